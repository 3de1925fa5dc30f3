/** All that fits the filters, as the server writes it for a spreadsheet. */
import { useState } from 'react'
import { getBlob } from '~/api/client'
import { say } from '~/api/errors'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { saveFile } from '~/ui/save-file'
import { toast } from '~/ui/toast'
import { asked, type AuditSearch } from './period'

export function ExportButton({ search, total }: { search: AuditSearch; total: number | undefined }) {
  const words = useWords()
  const { t } = words
  const [busy, setBusy] = useState(false)
  const press = async () => {
    setBusy(true)
    try {
      saveFile('journal.csv', 'text/csv;charset=utf-8', await getBlob('/api/audit/export', asked(search)))
    } catch (error) {
      toast({ kind: 'error', text: say(error, words).sentence })
    } finally {
      setBusy(false)
    }
  }
  return (
    <button type="button" className="btn" disabled={busy || !total} title={total === 0 ? t('audit.export.none') : undefined} onClick={() => void press()}>
      <Icon name="download" />
      {busy ? t('audit.export.busy') : t('audit.export')}
    </button>
  )
}
