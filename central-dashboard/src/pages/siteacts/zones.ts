/** Time zones of clubs, by the names that the database and browsers share. */

/** Where French clubs play, most of them first. */
export const FRENCH = [
  'Europe/Paris',
  'America/Guadeloupe',
  'America/Martinique',
  'America/Cayenne',
  'Indian/Reunion',
  'Indian/Mayotte',
  'Pacific/Noumea',
  'Pacific/Tahiti',
  'America/Miquelon',
  'Pacific/Wallis',
] as const

/** All others that this browser knows, by their part of the world. A club may have one that it does not know. */
export function others(own: string | undefined): [string, string[]][] {
  const known = new Set([...Intl.supportedValuesOf('timeZone'), ...(own ? [own] : [])])
  for (const zone of FRENCH) known.delete(zone)
  const areas = new Map<string, string[]>()
  for (const zone of [...known].sort()) {
    const area = zone.split('/')[0] ?? zone
    areas.set(area, [...(areas.get(area) ?? []), zone])
  }
  return [...areas]
}

/** As it is read: `America/Port of Spain`. */
export const nameOf = (zone: string): string => zone.replaceAll('_', ' ')

/** What the clock shows there; nothing if this browser does not know the place. */
export function timeThere(zone: string, locale: string, now: Date): string | undefined {
  try {
    return new Intl.DateTimeFormat(locale, { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(now)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
