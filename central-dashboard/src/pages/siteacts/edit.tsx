import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { reads } from '~/api/reads'
import type { Site, SiteChanges } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Sheet } from '~/ui/dialog'
import { taken, useEdit } from '~/ui/edits'
import { Check, type Problems } from '~/ui/form'
import { toast } from '~/ui/toast'
import { changesOf, contentOf, written, type SiteContent } from './content'
import { found, missing, SiteForm } from './form'

/** Changes what is said of a club; the way back is offered afterwards. */
export function EditSite({ site, close }: { site: Site; close: () => void }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const offline = useReadOnly()
  // The site itself may change while its form is open.
  const [opened] = useState(site)
  const edit = useEdit(contentOf(site))
  const [problems, setProblems] = useState<Problems>({})
  const [sentence, setSentence] = useState<string>()
  const [busy, setBusy] = useState(false)
  const [maintenance, setMaintenance] = useState(edit.opened.maintenance)
  const put = async (changes: SiteChanges) => {
    const changed = await act<Site>('PUT', `/api/sites/${site.id}`, changes)
    await client.invalidateQueries({ queryKey: reads.site(site.id).queryKey })
    void client.invalidateQueries({ queryKey: reads.siteFacets().queryKey })
    return changed
  }
  const write = async (wanted: SiteContent) => {
    const fields = edit.changed(wanted)
    if (fields.length === 0) return close()
    const now = await client.fetchQuery({ ...reads.site(site.id), staleTime: 0 })
    const crossed = edit.crossed(contentOf(now), wanted, words)
    if (Object.keys(crossed).length > 0) {
      setProblems(crossed)
      setSentence(t('ui.form.crossed.title'))
      return
    }
    const changed = await put(changesOf(taken(wanted, fields), now))
    const back = changesOf(taken(contentOf(now), fields), changed)
    const undo = () => void put(back).catch((error: unknown) => toast({ kind: 'error', text: say(error, words).sentence }))
    toast({ kind: 'success', text: t('siteacts.edited', { club: changed.club_name }), undo })
    close()
  }
  const save = async (form: FormData) => {
    const empty = missing(form, words)
    setProblems(empty)
    setSentence(undefined)
    if (Object.keys(empty).length > 0) return
    setBusy(true)
    try {
      await write(written(form, maintenance))
    } catch (error) {
      setProblems(found(error, words))
      setSentence(say(error, words).sentence)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Sheet
      open
      onClose={close}
      title={t('siteacts.edit.title', { club: opened.club_name })}
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
      <SiteForm id="edit-site" site={opened} problems={problems} sentence={sentence} onSubmit={(form) => void save(form)} />
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
