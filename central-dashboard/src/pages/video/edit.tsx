import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { reads } from '~/api/reads'
import type { Video } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
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
  const before: Labels = { title: video.title, category: video.category ?? '', subcategory: video.subcategory ?? '' }
  const put = (labels: Labels) => act<Video>('PUT', `/api/videos/${video.id}`, { ...labels })
  const keep = (changed: Video) => {
    client.setQueryData(reads.video(String(video.id)).queryKey, (held) => (held ? { ...held, ...changed } : held))
    void client.invalidateQueries({ queryKey: ['videos'] })
  }
  const undo = () =>
    put(before).then(keep, (error: unknown) => toast({ kind: 'error', text: say(error, words).sentence }))
  const save = useMutation({
    mutationFn: put,
    onSuccess: (changed) => {
      keep(changed)
      onClose()
      toast({ kind: 'success', text: t('video.edited', { title: changed.title }), undo: () => void undo() })
    },
    onError: (error) => setProblems(problemsOf(error, words)),
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
        <ErrorSummary problems={problems} sentence={save.error ? say(save.error, words).sentence : undefined} />
        <LabelFields {...before} categories={categories.map((one) => one.value)} problems={problems} />
      </form>
    </Dialog>
  )
}
