import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import type { Deployment } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { targetName } from '~/pages/deployments/order'
import { ProgressBar, type Segment } from '~/ui/figures'
import { Empty, Panel } from '~/ui/page'
import { useAgain } from './use-again'

const FIRST = 4

/** What is on its way, and how far. */
export function Running() {
  const { t } = useWords()
  const writes = mayWrite(useUser().role)
  const query = useQuery(reads.deployments({ open: true, page: 1, limit: FIRST }))
  const summary = useQuery(reads.deploymentSummary())
  useAgain(summary.data?.open, query.refetch)
  return (
    <Panel
      title={t('fleet.running')}
      end={
        <Link to="/deployments" search={{ open: 'true' }} className="link">
          {t('fleet.all')}
        </Link>
      }
      query={query}
      rows={4}
      isEmpty={({ data }) => data.filter(isOpen).length === 0}
      empty={<NothingRuns writes={writes} />}
    >
      {({ data, total }) => (
        <>
          <ul className="running">
            {data.filter(isOpen).map((order) => (
              <One key={order.id} order={order} />
            ))}
          </ul>
          {total > FIRST ? <p className="mut">{t('fleet.running.more', { count: total - FIRST })}</p> : null}
        </>
      )}
    </Panel>
  )
}

/** The stream changes rows in their places: one that is done meanwhile leaves the list. */
const isOpen = ({ status }: Deployment) => ['pending', 'scheduled', 'in_progress'].includes(status)

function NothingRuns({ writes }: { writes: boolean }) {
  const { t } = useWords()
  return (
    <Empty
      icon="send"
      title={t('fleet.running.empty')}
      action={
        writes ? (
          <Link to="/send" className="btn sm">
            {t('fleet.send')}
          </Link>
        ) : undefined
      }
    />
  )
}

function One({ order }: { order: Deployment }) {
  const words = useWords()
  const { t, formats } = words
  const planned = order.status === 'scheduled'
  const count = planned
    ? order.scheduled_at
      ? formats.dateTime(new Date(order.scheduled_at))
      : ''
    : t('fleet.running.count', { done: formats.number(order.deployed_count), total: formats.number(order.total_count) })
  const said = sentence(order, t)
  return (
    <li>
      <div className="running-head">
        <Link to="/deployments/$id" params={{ id: order.id }}>
          <b>{order.video_title}</b>
        </Link>
        <span>{count}</span>
      </div>
      <ProgressBar segments={segments(order)} total={order.total_count} label={`${count}. ${said}`} />
      <small>
        {targetName(order, words)}
        {said ? ` · ${said}` : ''}
      </small>
    </li>
  )
}

function segments(order: Deployment): Segment[] {
  const { downloading_count: running = 0, pending_count: waiting = order.open_count - running } = order
  return [
    { state: 'done', value: order.deployed_count, label: '' },
    { state: 'running', value: running, label: '' },
    { state: 'failed', value: order.failed_count, label: '' },
    { state: 'waiting', value: waiting, label: '' },
  ]
}

function sentence(order: Deployment, t: (key: string, values: { count: number }) => string): string {
  const parts = [
    ['running', order.downloading_count ?? 0],
    ['waiting', order.pending_count ?? 0],
    ['failed', order.failed_count],
  ] as const
  if (order.status === 'scheduled') return t('fleet.running.scheduled', { count: 0 })
  return parts
    .filter(([, count]) => count > 0)
    .map(([key, count]) => t(`fleet.running.${key}`, { count }))
    .join(' · ')
}
