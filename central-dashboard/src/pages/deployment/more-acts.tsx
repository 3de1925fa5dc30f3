/** What one does rarely with an order; what it means is said in numbers before it is done. */
import { useQuery } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { act } from '~/api/client'
import { useUser } from '~/api/session'
import type { Preview } from '~/api/types'
import { mayDelete } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { ConfirmByTyping, Dialog } from '~/ui/dialog'
import { MoreMenu, type MenuAct } from '~/ui/popover'
import { isOpen, targetName, type Order } from '../deployments/order'
import type { useActs } from './acts'

type Acts = ReturnType<typeof useActs>
type Question = 'cancel' | 'withdraw' | 'delete'

export function MoreActs({ order, acts }: { order: Order; acts: Acts }) {
  const { t } = useWords()
  const user = useUser()
  const blocked = useReadOnly()
  const [asked, ask] = useState<Question>()
  const close = () => ask(undefined)
  const list: MenuAct[] = [
    {
      label: order.status === 'scheduled' ? t('deployment.menu.unplan') : t('deployment.menu.cancel', { count: order.open_count }),
      icon: 'close',
      reason: blocked ?? (isOpen(order) ? undefined : t('deployment.menu.cancel.over')),
      run: () => ask('cancel'),
    },
  ]
  if (order.action === 'install' && order.status !== 'scheduled') {
    list.push({
      label: t('deployment.menu.withdraw'),
      icon: 'undo',
      reason: blocked ?? (order.video_id ? undefined : t('deployment.menu.withdraw.gone')),
      run: () => ask('withdraw'),
    })
  }
  if (mayDelete(user.role)) {
    list.push({ label: t('deployment.menu.delete'), icon: 'bin', danger: true, reason: blocked, run: () => ask('delete') })
  }
  return (
    <>
      <MoreMenu acts={list} />
      {asked === 'cancel' ? <Cancel order={order} acts={acts} onClose={close} /> : null}
      {asked === 'withdraw' ? <Withdraw order={order} acts={acts} onClose={close} /> : null}
      <Delete order={order} acts={acts} open={asked === 'delete'} onClose={close} />
    </>
  )
}

/** The effect as the title, the cost as the text, the act on the button. */
function Confirm(props: { title: string; act: string; busy: boolean; onClose: () => void; run: () => void; children: ReactNode }) {
  const { t } = useWords()
  return (
    <Dialog
      open
      onClose={props.onClose}
      title={props.title}
      actions={
        <>
          <button type="button" className="btn" data-autofocus onClick={props.onClose}>
            {t('ui.keep')}
          </button>
          <button type="button" className="btn pri dng" disabled={props.busy} onClick={props.run}>
            {props.act}
          </button>
        </>
      }
    >
      {props.children}
    </Dialog>
  )
}

function Cancel({ order, acts, onClose }: { order: Order; acts: Acts; onClose: () => void }) {
  const words = useWords()
  const { t } = words
  const run = () => acts.cancel.mutate(undefined, { onSettled: onClose })
  if (order.status === 'scheduled') {
    return (
      <Confirm title={t('deployment.unplan.title')} act={t('deployment.unplan.act')} busy={acts.cancel.isPending} onClose={onClose} run={run}>
        <p>{t('deployment.unplan.text', { target: targetName(order, words) })}</p>
      </Confirm>
    )
  }
  return (
    <Confirm
      title={t('deployment.cancel.title', { count: order.open_count })}
      act={t('deployment.cancel.act', { count: order.open_count })}
      busy={acts.cancel.isPending}
      onClose={onClose}
      run={run}
    >
      <p>{t('deployment.cancel.text', { open: order.open_count, done: order.deployed_count })}</p>
      <p className="mut">{t('deployment.cancel.final')}</p>
    </Confirm>
  )
}

/** The server counts where the video is now; without its answer the counts of the order have to do. */
function Withdraw({ order, acts, onClose }: { order: Order; acts: Acts; onClose: () => void }) {
  const { t } = useWords()
  const target = order.target_id === null ? undefined : { type: order.target_type, id: order.target_id }
  const preview = useQuery({
    queryKey: ['preview', 'remove', order.id],
    queryFn: () =>
      act<Preview>('POST', '/api/deployments/preview', { video_ids: [order.video_id], targets: [target], action: 'remove' }),
    enabled: target !== undefined,
    gcTime: 0,
    staleTime: 0,
  })
  const there = preview.data?.already ?? order.deployed_count
  const offline = preview.data ? preview.data.offline + preview.data.never_seen : undefined
  return (
    <Confirm
      title={t('deployment.withdraw.title', { title: order.video_title })}
      act={t('deployment.withdraw.act')}
      busy={acts.withdraw.isPending || preview.isLoading}
      onClose={onClose}
      run={() => acts.withdraw.mutate(undefined, { onSettled: onClose })}
    >
      <p>{t('deployment.withdraw.text', { count: there })}</p>
      {offline ? <p>{t('deployment.withdraw.offline', { count: offline })}</p> : null}
      <p className="mut">{t('deployment.withdraw.back')}</p>
    </Confirm>
  )
}

function Delete({ order, acts, open, onClose }: { order: Order; acts: Acts; open: boolean; onClose: () => void }) {
  const { t } = useWords()
  return (
    <ConfirmByTyping
      open={open}
      onClose={onClose}
      title={t('deployment.delete.title')}
      word={order.video_title}
      act={t('deployment.delete.act')}
      busy={acts.remove.isPending}
      onConfirm={() => acts.remove.mutate(undefined, { onSettled: onClose })}
    >
      <p>{t('deployment.delete.text', { done: order.deployed_count, open: order.open_count })}</p>
    </ConfirmByTyping>
  )
}
