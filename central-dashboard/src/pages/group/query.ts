/** A group and what is known of its members, without reading all of them. */
import { queryOptions, useQuery } from '@tanstack/react-query'
import { get } from '~/api/client'
import { reads } from '~/api/reads'
import type { DisplayState, Group, SiteStats } from '~/api/types'
import type { Asked } from '~/ui/page'

/** The list of groups has everything but the members, who can be thousands; only what it lacks is asked for by itself. */
export function useGroup(id: string): Asked<Group> {
  const list = useQuery(reads.groups())
  const found = list.data?.groups.find((group) => group.id === id)
  const one = useQuery({
    queryKey: ['groups', 'one', id],
    queryFn: ({ signal }) => get<Group>(`/api/groups/${id}`, {}, signal),
    enabled: list.data !== undefined && !found,
  })
  if (found || !list.data) return { ...list, data: found, refetch: list.refetch }
  return { ...one, data: one.data, refetch: one.refetch }
}

export const STATES: readonly DisplayState[] = ['online', 'warning', 'offline', 'error', 'maintenance', 'unknown']
export type Counts = Record<DisplayState, number>

/** How many members are in which state: counted by the server, over all of them. */
export const countsOf = (id: string) =>
  queryOptions({
    queryKey: ['sites', 'stats', { group_id: id }] as const,
    queryFn: ({ signal }): Promise<Counts> => get<SiteStats>('/api/sites/stats', { group_id: id }, signal),
  })
