import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Deployment } from '~/api/types'
import { useWords } from '~/i18n/words'
import { ProgressBar } from '~/ui/figures'
import { Empty, Panel } from '~/ui/page'
import type { Progress } from '~/ui/state'
import { When } from '~/ui/values'
import { videoOrders } from '~/videos/reads'
import { targetName } from '../deployments/order'

/** The newest orders about the video. */
export function Orders({ id }: { id: string }) {
  const { t } = useWords()
  const query = useQuery(videoOrders(id))
  const all = (
    <Link to="/deployments" search={{ video_id: id }} className="link">
      {t('video.orders.all')}
    </Link>
  )
  return (
    <Panel title={t('video.orders')} end={all} query={query} isEmpty={(orders) => orders.length === 0} empty={<Empty title={t('video.orders.none')} />}>
      {(orders) => (
        <ul className="order-list">
          {orders.map((order) => (
            <Order key={order.id} order={order} />
          ))}
        </ul>
      )}
    </Panel>
  )
}

function Order({ order }: { order: Deployment }) {
  const words = useWords()
  const { t, formats } = words
  const segments: { state: Progress; value: number; label: string }[] = (
    [
      ['done', order.deployed_count],
      ['running', order.downloading_count ?? 0],
      ['failed', order.failed_count],
    ] as const
  ).map(([state, value]) => ({ state, value, label: `${formats.number(value)} ${t(`ui.state.${state}`)}` }))
  return (
    <li>
      <Link to="/deployments/$id" params={{ id: String(order.id) }}>
        <b>{t(`video.order.${order.action === 'remove' ? 'remove' : 'install'}`, { target: targetName(order, words) })}</b>
        <span>
          {formats.number(order.deployed_count)} / {formats.number(order.total_count)}
        </span>
      </Link>
      <ProgressBar segments={segments} total={order.total_count} label={formats.list(segments.filter((one) => one.value > 0).map((one) => one.label)) || t('ui.state.waiting')} />
      <small>
        {order.status === 'scheduled' ? <>{t('video.order.for')} <When at={order.scheduled_at} /></> : <When at={order.created_at} />}
      </small>
    </li>
  )
}
