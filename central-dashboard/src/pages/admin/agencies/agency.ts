/** What is said of an agency, in order, and what its form says to the server. */
import type { Agency } from '~/api/admin'
import { fold } from '~/ui/filters'

type Compare = (a: string, b: string) => number

/** The server gives all agencies at once: they are narrowed and put in order here. */
export function sorted(agencies: Agency[] | undefined, sort = 'name', order = 'asc', compare: Compare): Agency[] | undefined {
  const by = (a: Agency, b: Agency): number => {
    if (sort === 'site_count') return a.site_count - b.site_count || compare(a.name, b.name)
    if (sort === 'created_at') return a.created_at.localeCompare(b.created_at)
    if (sort === 'status') return a.status.localeCompare(b.status) || compare(a.name, b.name)
    return compare(a.name, b.name)
  }
  return agencies?.toSorted((a, b) => (order === 'desc' ? by(b, a) : by(a, b)))
}

export function narrowed(agencies: Agency[] | undefined, search: string | undefined, status: string | undefined): Agency[] | undefined {
  const wanted = fold(search?.trim() ?? '')
  const says = (agency: Agency) => fold([agency.name, agency.description, agency.contact_name, agency.contact_email].join(' '))
  return agencies?.filter((agency) => (!status || agency.status === status) && says(agency).includes(wanted))
}

export const FIELDS = ['name', 'description', 'contact_name', 'contact_email', 'contact_phone'] as const
export type Content = Record<(typeof FIELDS)[number] | 'status', string>

export const contentOf = (agency: Agency | undefined): Content => ({
  name: agency?.name ?? '',
  description: agency?.description ?? '',
  contact_name: agency?.contact_name ?? '',
  contact_email: agency?.contact_email ?? '',
  contact_phone: agency?.contact_phone ?? '',
  status: agency?.status ?? 'active',
})

/** What was emptied is cleared. */
export const changesOf = (content: Partial<Content>): Record<string, string | null> =>
  Object.fromEntries(Object.entries(content).map(([field, value]) => [field, value === '' ? null : value]))
