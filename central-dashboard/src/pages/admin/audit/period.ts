/** What the address of the journal says, and what the server is asked for it. */
import type { Query } from '~/api/client'
import type { filters } from '~/app/search'

export type AuditSearch = ReturnType<typeof filters.audit>

/** Entries of one page. */
export const PAGE = 50

export const DAYS = [1, 7, 30, 90] as const

const two = (value: number) => String(value).padStart(2, '0')

/** The day so many days ago, where the reader is. */
export function dayAgo(days: number, now = new Date()): string {
  const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** The first moment of a day where the reader is, or of the one behind it. */
function beginOf(day: string, later = 0): Date {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  return new Date(year, month - 1, date + later)
}

const NARROWING = ['search', 'action', 'userId', 'targetType', 'targetId', 'from', 'to'] as const

export const isNarrowed = (search: AuditSearch): boolean => NARROWING.some((name) => search[name] !== undefined)

/** Whole days in the address; moments for the server, the last day with its whole length. */
export function asked({ from, to, page: _, ...rest }: AuditSearch): Query {
  return {
    ...rest,
    startDate: from ? beginOf(from).toISOString() : undefined,
    endDate: to ? new Date(beginOf(to, 1).getTime() - 1).toISOString() : undefined,
  }
}
