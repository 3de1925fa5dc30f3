/** What can be done with the chosen videos. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState, type FormEvent } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import type { Video } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { TextField } from '~/ui/form'
import { Icon } from '~/ui/icons'
import { toast } from '~/ui/toast'
import { videoCategories } from '~/videos/reads'

/** The bar of the grid; the table has its own. */
export function Bulk({ chosen, onClear }: { chosen: ReadonlySet<string>; onClear: () => void }) {
  const { t } = useWords()
  return (
    <div className="bulk grid-bulk" role="region" aria-label={t('ui.table.bulk')}>
      <b role="status">{t('ui.table.selected', { count: chosen.size })}</b>
      <BulkActs chosen={chosen} onDone={onClear} />
      <button type="button" className="btn sm quiet" onClick={onClear}>
        {t('ui.table.unselect')}
      </button>
    </div>
  )
}

/** So many videos go into one order form. */
const MOST = 50

export function BulkActs({ chosen, onDone }: { chosen: ReadonlySet<string>; onDone: () => void }) {
  const { t } = useWords()
  const navigate = useNavigate()
  const readOnly = useReadOnly()
  const [naming, name] = useState(false)
  const reason = chosen.size > MOST ? t('library.bulk.most', { most: MOST }) : readOnly
  return (
    <>
      <button
        type="button"
        className="btn sm pri"
        disabled={reason !== undefined}
        title={reason}
        onClick={() => void navigate({ to: '/send', search: { videos: [...chosen].join(',') } })}
      >
        <Icon name="send" />
        {t('library.bulk.send', { count: chosen.size })}
      </button>
      <button type="button" className="btn sm" disabled={readOnly !== undefined} title={readOnly} onClick={() => name(true)}>
        {t('library.bulk.category')}
      </button>
      {naming ? <CategoryDialog ids={[...chosen]} onClose={() => name(false)} onDone={onDone} /> : null}
    </>
  )
}

function CategoryDialog({ ids, onClose, onDone }: { ids: string[]; onClose: () => void; onDone: () => void }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const form = useId()
  const list = useId()
  const [busy, setBusy] = useState(false)
  const categories = useQuery(videoCategories()).data ?? []
  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const category = String(new FormData(event.currentTarget).get('category')).trim()
    setBusy(true)
    const done = await Promise.allSettled(ids.map((id) => act<Video>('PUT', `/api/videos/${id}`, { category })))
    void client.invalidateQueries({ queryKey: ['videos'] })
    const failed = done.find((one) => one.status === 'rejected')
    const count = done.filter((one) => one.status === 'fulfilled').length
    if (count > 0) toast({ kind: 'success', text: t('library.bulk.categorised', { count }) })
    if (failed) toast({ kind: 'error', text: t('library.bulk.failed', { count: ids.length - count, why: say(failed.reason, words).sentence }) })
    onClose()
    onDone()
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('library.bulk.category.title', { count: ids.length })}
      actions={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t('ui.keep')}
          </button>
          <button type="submit" form={form} className="btn pri" disabled={busy}>
            {t('uploads.edit.save')}
          </button>
        </>
      }
    >
      <form id={form} className="form" onSubmit={(event) => void save(event)}>
        <TextField label={t('uploads.label.category')} hint={t('library.bulk.category.hint')} name="category" maxLength={100} list={list} autoComplete="off" />
        <datalist id={list}>
          {categories.map(({ value }) => (
            <option key={value} value={value} />
          ))}
        </datalist>
      </form>
    </Dialog>
  )
}
