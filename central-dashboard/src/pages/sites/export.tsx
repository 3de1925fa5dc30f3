import { useState } from 'react'
import { get } from '~/api/client'
import { say } from '~/api/errors'
import type { Paged, Site } from '~/api/types'
import { useWords, type Words } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { toast } from '~/ui/toast'
import { saveFile } from '~/ui/save-file'
import { csv } from './csv'
import { asked, type SitesSearch } from './search'

/** All that fits the filters, not only what was scrolled to, as a table for a spreadsheet. */
export function ExportButton({ search, total }: { search: SitesSearch; total: number | undefined }) {
  const words = useWords()
  const [busy, setBusy] = useState(false)
  const press = async () => {
    setBusy(true)
    try {
      const rows = await all(search)
      saveFile('sites.csv', 'text/csv;charset=utf-8', csv(table(rows, words), words.language === 'en' ? ',' : ';'))
    } catch (error) {
      toast({ kind: 'error', text: say(error, words).sentence })
    } finally {
      setBusy(false)
    }
  }
  return (
    <button type="button" className="btn" onClick={() => void press()} disabled={busy || !total}>
      <Icon name="download" />
      {busy ? words.t('sites.export.busy') : words.t('sites.export')}
    </button>
  )
}

async function all(search: SitesSearch): Promise<Site[]> {
  const rows: Site[] = []
  for (let page = 1; ; page += 1) {
    const answer = await get<Paged<Site>>('/api/sites', { ...asked(search), page, limit: 1000 })
    rows.push(...answer.data)
    if (!answer.pagination.hasNext) return rows
  }
}

/** What is unknown is an empty cell. */
function table(rows: Site[], { t }: Words): string[][] {
  const head = ['state', 'club', 'site', 'city', 'region', 'sport', 'seen', 'version', 'free_bytes', 'content'] as const
  return [
    head.map((name) => t(`sites.column.${name}`)),
    ...rows.map((site) => [
      t(`ui.state.${site.display_status}`),
      site.club_name,
      site.site_name,
      site.location?.city ?? '',
      site.location?.region ?? '',
      (site.sports ?? []).join(', '),
      site.last_seen_at ?? '',
      site.software_version ?? '',
      site.free_bytes === null ? '' : String(site.free_bytes),
      site.behind ? t('sites.behind') : site.last_seen_at ? t('sites.up_to_date') : '',
    ]),
  ]
}
