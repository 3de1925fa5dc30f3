/** What can be done with an order. The server's answer is laid into the cache at once; the stream brings the rest. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { say } from '~/api/errors'
import { act } from '~/api/client'
import { reads } from '~/api/reads'
import { useWords } from '~/i18n/words'
import { toast } from '~/ui/toast'
import type { Order } from '../deployments/order'
import { allSites } from './query'

export interface Again {
  site_ids?: string[]
  reason_code?: string
}

/** The most sites that one order names. */
const MOST = 1000

export function useActs(order: Order) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const words = useWords()
  const { t } = words
  const path = `/api/deployments/${order.id}`
  const failed = (error: unknown) => toast({ kind: 'error', text: say(error, words).sentence })
  const renewed = (next: Order) => {
    client.setQueryData(reads.deployment(order.id).queryKey, (before) => ({ ...before, ...next }))
    void client.invalidateQueries({ queryKey: ['deployments'] })
  }
  const retry = useMutation({
    mutationFn: (again: Again) => act<Order & { retried: number }>('POST', `${path}/retry`, again),
    onSuccess: (next) => {
      renewed(next)
      toast({ kind: 'success', text: t('deployment.retried', { count: next.retried }) })
    },
    onError: failed,
  })
  const cancel = useMutation({
    mutationFn: () => act<Order>('POST', `${path}/cancel`),
    onSuccess: (next) => {
      renewed(next)
      toast({ kind: 'success', text: t('deployment.cancelled', { count: next.cancelled_count ?? 0 }) })
    },
    onError: failed,
  })
  const withdraw = useMutation({
    mutationFn: () => withdrawal(order),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ['deployments'] })
      toast({ kind: 'success', text: t('deployment.withdrawn', { count: made.reduce((sum, one) => sum + one.total_count, 0) }) })
      const [first] = made
      if (made.length === 1 && first) void navigate({ to: '/deployments/$id', params: { id: first.id } })
      else void navigate({ to: '/deployments', search: { video_id: order.video_id ?? undefined } })
    },
    onError: failed,
  })
  const remove = useMutation({
    mutationFn: () => act('DELETE', path),
    onSuccess: async () => {
      await navigate({ to: '/deployments' })
      client.removeQueries({ queryKey: ['deployments', 'one', order.id] })
      void client.invalidateQueries({ queryKey: ['deployments'] })
      toast({ kind: 'success', text: t('deployment.deleted', { title: order.video_title }) })
    },
    onError: failed,
  })
  return { retry, cancel, withdraw, remove }
}

/** A new order of the other kind: to the same site or group, or to the sites that a selection had. */
async function withdrawal(order: Order): Promise<Order[]> {
  const about = { video_id: order.video_id, action: 'remove' }
  if (order.target_id !== null) {
    const whom = { target_type: order.target_type, target_id: order.target_id }
    return [await act<Order>('POST', '/api/deployments', { ...about, ...whom })]
  }
  const ids = await allSites(order.id)
  const made: Order[] = []
  for (let at = 0; at < ids.length; at += MOST) {
    const targets = ids.slice(at, at + MOST).map((id) => ({ type: 'site', id }))
    made.push(await act<Order>('POST', '/api/deployments', { ...about, targets }))
  }
  return made
}
