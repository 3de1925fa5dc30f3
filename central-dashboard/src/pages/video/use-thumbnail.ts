import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Refused, say } from '~/api/errors'
import type { Video } from '~/api/types'
import { useWords } from '~/i18n/words'
import { toast } from '~/ui/toast'
import { giveThumbnail } from '~/uploads/thumbnail'

/** Makes the small picture here, from the file in the storage. */
export function useThumbnail(video: Video) {
  const words = useWords()
  const client = useQueryClient()
  const made = useMutation({
    mutationFn: () => giveThumbnail(String(video.id), video.public_url, video.mime_type),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['videos'] })
      toast({ kind: 'success', text: words.t('video.thumbnail.made') })
    },
    onError: (error) => {
      const why = error instanceof Refused ? say(error, words).sentence : words.t('video.thumbnail.failed')
      toast({ kind: 'error', text: why })
    },
  })
  return { make: () => made.mutate(), busy: made.isPending }
}
