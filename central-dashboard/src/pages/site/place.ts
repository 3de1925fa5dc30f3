import type { Site } from '~/api/types'
import { fold } from '~/ui/filters'

/** The name of the place and its town, unless the name ends with the town already. */
export function placeOf({ site_name: name, location }: Pick<Site, 'site_name' | 'location'>): string {
  const city = location?.city
  return city && !` ${fold(name)}`.endsWith(` ${fold(city)}`) ? `${name}, ${city}` : name
}
