import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { reads } from '~/api/reads'
import type { Video } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { taken, useEdit } from '~/ui/edits'
import { ErrorSummary, problemsOf, type Problems } from '~/ui/form'
import { toast } from '~/ui/toast'
import { LabelFields, labelsOf } from '~/uploads/labels'
import type { Labels } from '~/uploads/transport'
import { videoCategories } from '~/videos/reads'

/** Title and category; the way back is offered. */
export function EditVideo({ video, onClose }: { video: Video; onClose: () => void }) {
  const words = useWords()
  const { t } = words
  const form = useId()
  const client = useQueryClient()
  const categories = useQuery(videoCategories()).data ?? []
  const [problems, setProblems] = useState<Problems>({})
  const [sentence, setSentence] = useState<string>()
  const edit = useEdit(contentOf(video))
  const put = (labels: Partial<Labels>) => act<Video>('PUT', `/api/videos/${video.id}`, labels)
  const keep = (changed: Video) => {
    client.setQueryData(reads.video(String(video.id)).queryKey, (held) => (held ? { ...held, ...changed } : held))
    void client.invalidateQueries({ queryKey: ['videos'] })
  }
  const write = async (labels: Labels) => {
    const wanted = { ...labels }
    const fields = edit.changed(wanted)
    if (fields.length === 0) return onClose()
    const now = contentOf(await client.fetchQuery({ ...reads.video(String(video.id)), staleTime: 0 }))
    const crossed = edit.crossed(now, wanted, words)
    const contradicts = Object.keys(crossed).length > 0
    setProblems(crossed)
    setSentence(contradicts ? t('ui.form.crossed.title') : undefined)
    if (contradicts) return
    const changed = await put(taken(wanted, fields))
    keep(changed)
    onClose()
    const undo = () =>
      put(taken(now, fields)).then(keep, (error: unknown) => toast({ kind: 'error', text: say(error, words).sentence }))
    toast({ kind: 'success', text: t('video.edited', { title: changed.title }), undo: () => void undo() })
  }
  const save = useMutation({
    mutationFn: write,
    onError: (error) => {
      setProblems(problemsOf(error, words))
      setSentence(say(error, words).sentence)
    },
  })
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
          <button type="submit" form={form} className="btn pri" disabled={save.isPending}>
            {t('uploads.edit.save')}
          </button>
        </>
      }
    >
      <form
        id={form}
        className="form"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate(labelsOf(event.currentTarget))
        }}
      >
        <ErrorSummary problems={problems} sentence={sentence} />
        <LabelFields {...edit.opened} categories={categories.map((one) => one.value)} problems={problems} />
      </form>
    </Dialog>
  )
}

const contentOf = ({ title, category, subcategory }: Video): Record<keyof Labels, string> => ({
  title,
  category: category ?? '',
  subcategory: subcategory ?? '',
})
