/** What the form says of a site, and what of it is sent. */
import type { NewSite, Site, SiteChanges } from '~/api/types'

const PLACE = ['city', 'region', 'country'] as const

export type SiteContent = Record<'club_name' | 'site_name' | (typeof PLACE)[number] | 'sports' | 'time_zone', string> & { maintenance: boolean }

/** A site as the form shows it. */
export const contentOf = ({ club_name, site_name, location, sports, status, time_zone }: Site): SiteContent => ({
  club_name,
  site_name,
  city: location?.city ?? '',
  region: location?.region ?? '',
  country: location?.country ?? '',
  sports: inLine(sports ?? []),
  time_zone: time_zone ?? '',
  maintenance: status === 'maintenance',
})

/** What stands in the form. */
export function written(form: FormData, maintenance: boolean): SiteContent {
  const text = (name: string) => String(form.get(name) ?? '').trim()
  return {
    club_name: text('club_name'),
    site_name: text('site_name'),
    city: text('city'),
    region: text('region'),
    country: text('country'),
    sports: inLine(listed(text('sports'))),
    time_zone: text('time_zone'),
    maintenance,
  }
}

/** These fields as the server wants them. A place is replaced whole: what is not among them stays as it is now. */
export function changesOf(fields: Partial<SiteContent>, now: Site): SiteChanges {
  const { club_name, site_name, sports, maintenance, time_zone } = fields
  return {
    ...(club_name === undefined ? {} : { club_name }),
    ...(site_name === undefined ? {} : { site_name }),
    ...(PLACE.some((name) => fields[name] !== undefined) ? { location: placed(fields, now) } : {}),
    ...(sports === undefined ? {} : { sports: listed(sports) }),
    ...(time_zone ? { time_zone } : {}),
    ...(maintenance === undefined ? {} : { status: maintenance ? 'maintenance' : 'offline' }),
  }
}

/** A new site as the server wants it. */
export function newSite(form: FormData): NewSite {
  const { club_name, site_name, sports, time_zone, ...place } = written(form, false)
  const hardware_model = String(form.get('hardware_model') ?? '').trim()
  return {
    club_name,
    site_name,
    location: placed(place),
    sports: listed(sports),
    time_zone,
    ...(hardware_model ? { hardware_model } : {}),
  }
}

function placed(fields: Partial<SiteContent>, now?: Site): NonNullable<NewSite['location']> {
  const place = { ...now?.location }
  for (const name of PLACE) {
    const value = fields[name]
    if (value) place[name] = value
    else if (value !== undefined) delete place[name]
  }
  return place
}

const listed = (line: string): string[] =>
  line
    .split(',')
    .map((sport) => sport.trim())
    .filter(Boolean)

const inLine = (sports: string[]): string => listed(sports.join(',')).join(', ')
