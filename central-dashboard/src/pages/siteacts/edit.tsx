import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { reads } from '~/api/reads'
import type { Site } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { Sheet } from '~/ui/dialog'
import { Check, type Problems } from '~/ui/form'
import { toast } from '~/ui/toast'
import { found, missing, SiteForm, written } from './form'

/** Changes what is said of a club; the way back is offered afterwards. */
export function EditSite({ site, close }: { site: Site; close: () => void }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const offline = useReadOnly()
  const [problems, setProblems] = useState<Problems>({})
  const [sentence, setSentence] = useState<string>()
  const [busy, setBusy] = useState(false)
  const [maintenance, setMaintenance] = useState(site.status === 'maintenance')
  const save = async (form: FormData) => {
    const empty = missing(form, words)
    setProblems(empty)
    setSentence(undefined)
    if (Object.keys(empty).length > 0) return
    setBusy(true)
    try {
      const status = maintenance === (site.status === 'maintenance') ? {} : { status: maintenance ? 'maintenance' : 'offline' }
      const changes = { ...written(form, site), ...status }
      await put(site.id, changes)
      const was = { ...before(site), ...('status' in status ? { status: site.status } : {}) }
      const undo = () => void put(site.id, was).catch((error: unknown) => sayIt(error, words))
      toast({ kind: 'success', text: t('siteacts.edited', { club: String(changes.club_name) }), undo })
      close()
    } catch (error) {
      setProblems(found(error, words))
      setSentence(say(error, words).sentence)
      setBusy(false)
    }
  }
  const put = async (id: string, changes: object) => {
    await act('PUT', `/api/sites/${id}`, changes)
    await client.invalidateQueries({ queryKey: reads.site(id).queryKey })
    void client.invalidateQueries({ queryKey: reads.siteFacets().queryKey })
  }
  return (
    <Sheet
      open
      onClose={close}
      title={t('siteacts.edit.title', { club: site.club_name })}
      actions={
        <>
          <button type="button" className="btn" onClick={close}>
            {t('ui.keep')}
          </button>
          <button type="submit" form="edit-site" className="btn pri" disabled={busy || offline !== undefined} title={offline}>
            {t('siteacts.edit.save')}
          </button>
        </>
      }
    >
      <SiteForm id="edit-site" site={site} problems={problems} sentence={sentence} onSubmit={(form) => void save(form)} />
      <div className="after-form">
        <Check
          label={t('siteacts.maintenance')}
          checked={maintenance}
          onChange={(event) => setMaintenance(event.target.checked)}
        />
      </div>
    </Sheet>
  )
}

const before = ({ club_name, site_name, location, sports }: Site) => ({
  club_name,
  site_name,
  location: location ?? null,
  sports: sports ?? null,
})

const sayIt = (error: unknown, words: Words) => toast({ kind: 'error', text: say(error, words).sentence })
