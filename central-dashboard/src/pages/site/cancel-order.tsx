import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { act } from '~/api/client'
import { reads } from '~/api/reads'
import type { Deployment, Target } from '~/api/types'
import { useWords } from '~/i18n/words'
import { targetName } from '~/pages/deployments/order'
import { Dialog } from '~/ui/dialog'
import { Failed, Loaded } from '~/ui/page'
import { toast } from '~/ui/toast'

/** An order is taken back as a whole: whom else that concerns is said before. */
export function CancelOrder({ target, close }: { target: Target; close: () => void }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const query = useQuery(reads.deployment(target.deployment_id))
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const cancel = async () => {
    setBusy(true)
    try {
      await act('POST', `/api/deployments/${target.deployment_id}/cancel`)
      void client.invalidateQueries({ queryKey: ['deployments'] })
      void client.invalidateQueries({ queryKey: ['sites', 'inventory'] })
      toast({ kind: 'success', text: t('site.cancel.done', { title: target.video_title }) })
      close()
    } catch (refusal) {
      setError(refusal)
      setBusy(false)
    }
  }
  const open = query.data?.open_count ?? 0
  return (
    <Dialog
      open
      onClose={close}
      title={t('site.cancel.title', { title: target.video_title })}
      actions={
        <>
          <button type="button" className="btn" onClick={close}>
            {t('ui.keep')}
          </button>
          <button type="button" className="btn pri dng" disabled={busy || !query.data} onClick={() => void cancel()}>
            {t('site.cancel.act', { count: open })}
          </button>
        </>
      }
    >
      <Loaded query={query} rows={2}>
        {(order) => <Effect order={order} />}
      </Loaded>
      {error ? <Failed error={error} /> : null}
    </Dialog>
  )
}

function Effect({ order }: { order: Deployment }) {
  const words = useWords()
  const { t } = words
  return (
    <p>
      {t('site.cancel.open', { count: order.open_count, target: targetName(order, words) })}{' '}
      {t('site.cancel.stays', { count: order.deployed_count })}
    </p>
  )
}
