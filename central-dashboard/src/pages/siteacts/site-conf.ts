/** The file that tells a box who it is (`/etc/neopro/site.conf`). */
import { ORIGIN } from '~/api/origin'
import type { SiteWithKey } from '~/api/types'

/** A value in double quotes, as the box reads it. */
const quoted = (text: string) => `"${text.replace(/[\r\n]+/g, ' ').replace(/["\\]/g, '\\$&')}"`

export function siteConf(site: SiteWithKey): string {
  return [
    'CENTRAL_SERVER_ENABLED=true',
    `CENTRAL_SERVER_URL=${ORIGIN}`,
    `SITE_ID=${site.id}`,
    `SITE_API_KEY=${site.api_key}`,
    `CLUB_NAME=${quoted(site.club_name)}`,
    '',
  ].join('\n')
}
