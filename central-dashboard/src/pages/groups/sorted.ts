/** The server gives all groups at once, newest first: they are put in order here. */
import type { Group } from '~/api/types'

type Compare = (a: string, b: string) => number

export function sorted(groups: Group[] | undefined, sort = 'name', order = 'asc', compare: Compare): Group[] | undefined {
  const by = (a: Group, b: Group): number => {
    if (sort === 'site_count') return a.site_count - b.site_count || compare(a.name, b.name)
    if (sort === 'created_at') return a.created_at.localeCompare(b.created_at)
    if (sort === 'type') return compare(a.type ?? '', b.type ?? '') || compare(a.name, b.name)
    return compare(a.name, b.name)
  }
  return groups?.toSorted((a, b) => (order === 'desc' ? by(b, a) : by(a, b)))
}
