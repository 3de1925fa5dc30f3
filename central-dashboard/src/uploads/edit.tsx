/** Title and category of a file, at any time: before it leaves, on its way, or when it is in the library. */
import { useId, type FormEvent } from 'react'
import { say } from '~/api/errors'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { toast } from '~/ui/toast'
import { LabelFields, labelsOf } from './labels'
import { relabel } from './queue'
import { useUploads } from './store'

export function EditUpload({ id, categories, onClose }: { id: number | undefined; categories: string[]; onClose: () => void }) {
  const words = useWords()
  const { t } = words
  const form = useId()
  const one = useUploads().find((upload) => upload.id === id)
  if (!one) return null
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const labels = labelsOf(event.currentTarget)
    onClose()
    relabel(one.id, labels).catch((error: unknown) => toast({ kind: 'error', text: say(error, words).sentence }))
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('uploads.edit.title')}
      actions={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t('ui.keep')}
          </button>
          <button type="submit" form={form} className="btn pri">
            {t('uploads.edit.save')}
          </button>
        </>
      }
    >
      <form id={form} className="form" onSubmit={save}>
        <p className="mut">{one.file.name}</p>
        <LabelFields {...one.labels} categories={categories} />
      </form>
    </Dialog>
  )
}
