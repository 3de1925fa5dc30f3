/** What the address of the list says. */
import type { Query } from '~/api/client'
import type { SiteStats } from '~/api/types'
import type { filters } from '~/app/search'

export type SitesSearch = ReturnType<typeof filters.sites>

export const HOURS = [1, 24, 72, 168, 720] as const

const HOUR = 3_600_000

/** The moment so many hours ago, to the minute. */
export function olderThan(hours: number, now = Date.now()): string {
  return new Date(Math.floor((now - hours * HOUR) / 60_000) * 60_000).toISOString()
}

/** The names that narrow the list; the others only order it. */
const NARROWING = ['search', 'display_status', 'region', 'sport', 'version', 'group_id', 'seen_before', 'behind'] as const

export const isNarrowed = (search: SitesSearch): boolean => NARROWING.some((name) => search[name] !== undefined)

const ALWAYS = ['online', 'offline', 'unknown'] as const
const STATES = ['online', 'warning', 'offline', 'error', 'maintenance', 'unknown'] as const

/** How many sites are in which state, each under its own name: together they are all. */
export const standing = (stats: SiteStats): [(typeof STATES)[number], number][] =>
  STATES.filter((state) => stats[state] > 0 || ALWAYS.some((one) => one === state)).map((state) => [state, stats[state]])

/** What the server is asked: by club unless something else is wanted. */
export function asked(search: SitesSearch): Query {
  const { sort = 'club_name', order = 'asc', ...rest } = search
  return { ...rest, sort, order }
}
