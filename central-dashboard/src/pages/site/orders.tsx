import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import type { Site, Target, TargetState } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Flash } from '~/ui/flash'
import { Empty, Panel } from '~/ui/page'
import { StateBadge, type Progress } from '~/ui/state'
import { Age } from '~/ui/values'
import { reasonOf } from '~/reasons/reason'
import { CancelOrder } from './cancel-order'
import { useRetry } from './use-retry'

const FIRST = 10

const SHOWN: Record<TargetState, Progress> = {
  pending: 'waiting',
  downloading: 'running',
  installed: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
  superseded: 'superseded',
}

/** Every order this club has a part in, the newest first. */
export function OrdersPanel({ site }: { site: Site }) {
  const { t } = useWords()
  const query = useQuery(reads.siteDeployments(site.id))
  const [all, showAll] = useState(false)
  const [cancelled, cancel] = useState<Target>()
  return (
    <Panel
      title={t('site.orders')}
      note={t('site.orders.note')}
      query={query}
      rows={4}
      isEmpty={(data) => data.length === 0}
      empty={<Empty icon="send" title={t('site.orders.empty')} />}
    >
      {(data) => (
        <>
          <ul className="lines orders">
            {(all ? data : data.slice(0, FIRST)).map((target) => (
              <Order key={target.deployment_id} target={target} onCancel={() => cancel(target)} />
            ))}
          </ul>
          {!all && data.length > FIRST ? (
            <button type="button" className="link" onClick={() => showAll(true)}>
              {t('site.orders.all', { count: data.length })}
            </button>
          ) : null}
          {cancelled ? <CancelOrder target={cancelled} close={() => cancel(undefined)} /> : null}
        </>
      )}
    </Panel>
  )
}

function Order({ target, onCancel }: { target: Target; onCancel: () => void }) {
  const { t } = useWords()
  const writes = mayWrite(useUser().role)
  const reason = reasonOf(target, useWords())
  return (
    <li className="line">
      <Flash of={target.state}>
        <StateBadge state={SHOWN[target.state]} />
      </Flash>
      <div>
        <Link to="/deployments/$id" params={{ id: target.deployment_id }}>
          <b>{target.video_title}</b>
        </Link>
        <small>
          {t(`site.order.${target.action}`)} · <Age at={target.created_at} />
          {reason ? ` · ${reason}` : ''}
          {target.attempts > 1 ? ` · ${t('site.order.attempts', { count: target.attempts })}` : ''}
        </small>
      </div>
      <span className="line-end">
        {target.state === 'downloading' ? <span>{t('site.progress', { percent: target.progress })}</span> : null}
        {writes ? <Act target={target} onCancel={onCancel} /> : null}
      </span>
    </li>
  )
}

function Act({ target, onCancel }: { target: Target; onCancel: () => void }) {
  const { t } = useWords()
  const reason = useReadOnly()
  const { retry, busy } = useRetry(target)
  const off = { disabled: busy || reason !== undefined, title: reason }
  if (target.state === 'failed') {
    return (
      <button type="button" className="btn sm" onClick={() => void retry()} {...off}>
        {t('site.order.retry')}
      </button>
    )
  }
  if (target.state !== 'pending' && target.state !== 'downloading') return null
  return (
    <button type="button" className="btn sm" onClick={onCancel} {...off}>
      {t('site.order.cancel')}
    </button>
  )
}
