import { useQueries, useQuery } from '@tanstack/react-query'
import { reads } from '~/api/reads'
import type { Cause, Deployment } from '~/api/types'
import { useAgain } from './use-again'

/** So many orders with failures are looked into; how many more there are is said. */
const ORDERS = 8
const RECENT = 14 * 86_400_000

export interface Trouble {
  order: Deployment
  cause: Cause
}

/** What did not arrive of the newest hundred orders of two weeks, by order and cause. */
export function useTrouble() {
  const list = useQuery(reads.deployments())
  const summary = useQuery(reads.deploymentSummary())
  useAgain(summary.data?.open, list.refetch)
  const failing = list.data?.data.filter(
    (order) => order.failed_count > 0 && Date.parse(order.created_at) > list.dataUpdatedAt - RECENT,
  )
  const looked = failing?.slice(0, ORDERS) ?? []
  const causes = useQueries({ queries: looked.map((order) => reads.deploymentCauses(order.id)) })
  const troubles: Trouble[] = looked.flatMap((order, at) =>
    (causes[at]?.data ?? []).map((cause) => ({ order, cause })),
  )
  const error = list.error ?? causes.find((one) => one.error)?.error ?? null
  return {
    /** Boxes and orders together: one box that failed twice counts twice. */
    sites: failing?.reduce((sum, order) => sum + order.failed_count, 0),
    troubles: troubles.toSorted((a, b) => b.cause.sites - a.cause.sites),
    ready: list.data !== undefined && causes.every((one) => one.data !== undefined || one.error),
    error,
    refetch: () => {
      void list.refetch()
      for (const one of causes) if (one.error) void one.refetch()
    },
    dataUpdatedAt: list.dataUpdatedAt,
  }
}
