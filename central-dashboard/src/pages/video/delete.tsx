import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import type { Video } from '~/api/types'
import { useWords } from '~/i18n/words'
import { ConfirmByTyping, Dialog } from '~/ui/dialog'
import { ErrorSummary } from '~/ui/form'
import { toast } from '~/ui/toast'
import { titleOf } from '~/videos/facts'

interface DeleteProps {
  video: Video
  onClose: () => void
  onWithdraw: () => void
}

/** A video that is wanted somewhere has to be withdrawn first; one that is not goes for good. */
export function DeleteVideo(props: DeleteProps) {
  return props.video.sites_count > 0 ? <StillPlays {...props} /> : <Confirm {...props} />
}

function StillPlays({ video, onClose, onWithdraw }: DeleteProps) {
  const { t, formats } = useWords()
  const count = video.sites_count
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('video.delete.used', { count, shown: formats.number(count) })}
      actions={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t('ui.keep')}
          </button>
          <button type="button" className="btn pri" onClick={onWithdraw}>
            {t('video.withdraw.act', { count, shown: formats.number(count) })}
          </button>
        </>
      }
    >
      <p>{t('video.delete.used.text')}</p>
    </Dialog>
  )
}

function Confirm({ video, onClose }: DeleteProps) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const navigate = useNavigate()
  const title = titleOf(video, words)
  const remove = useMutation({
    mutationFn: () => act('DELETE', `/api/videos/${video.id}`),
    onSuccess: async () => {
      await navigate({ to: '/content' })
      client.removeQueries({ queryKey: ['videos', 'one', String(video.id)] })
      void client.invalidateQueries({ queryKey: ['videos'] })
      toast({ kind: 'success', text: t('video.deleted', { title }) })
    },
  })
  return (
    <ConfirmByTyping
      open
      onClose={onClose}
      title={t('video.delete.title', { title })}
      word={title}
      act={t('video.delete')}
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      <ErrorSummary problems={{}} sentence={remove.error ? say(remove.error, words).sentence : undefined} />
      <p>{t('video.delete.text')}</p>
    </ConfirmByTyping>
  )
}
