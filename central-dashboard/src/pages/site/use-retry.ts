import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import type { Target } from '~/api/types'
import { useWords } from '~/i18n/words'
import { toast } from '~/ui/toast'

/** Has this club's box try once more. */
export function useRetry({ deployment_id, site_id, club_name, video_title }: Target) {
  const words = useWords()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const retry = async () => {
    setBusy(true)
    try {
      await act('POST', `/api/deployments/${deployment_id}/retry`, { site_ids: [site_id] })
      void client.invalidateQueries({ queryKey: ['deployments'] })
      void client.invalidateQueries({ queryKey: ['sites', 'inventory', site_id] })
      toast({ kind: 'success', text: words.t('site.order.retried', { club: club_name, title: video_title }) })
    } catch (error) {
      toast({ kind: 'error', text: say(error, words).sentence })
    } finally {
      setBusy(false)
    }
  }
  return { retry, busy }
}
