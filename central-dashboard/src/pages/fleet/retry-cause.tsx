import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import type { Cause, Deployment } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { UNKNOWN } from '~/reasons/reason'
import { toast } from '~/ui/toast'

/** Has all that failed for this cause try again; the answer says how many do. */
export function RetryCause({ order, cause }: { order: Deployment; cause: Cause }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const reason = useReadOnly()
  const [busy, setBusy] = useState(false)
  const press = async () => {
    setBusy(true)
    try {
      const which = { reason_code: cause.reason_code ?? UNKNOWN }
      const { retried } = await act<{ retried: number }>('POST', `/api/deployments/${order.id}/retry`, which)
      toast({ kind: 'success', text: t('fleet.retried', { count: retried, title: order.video_title }) })
      void client.invalidateQueries({ queryKey: ['deployments'] })
    } catch (error) {
      toast({ kind: 'error', text: say(error, words).sentence })
    } finally {
      setBusy(false)
    }
  }
  return (
    <button type="button" className="btn sm" onClick={() => void press()} disabled={busy || reason !== undefined} title={reason}>
      {t('fleet.retry', { count: cause.sites })}
    </button>
  )
}
