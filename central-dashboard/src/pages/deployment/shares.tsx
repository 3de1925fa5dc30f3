/** The bar over all sites with its counts; each count is a filter of the list below. */
import { getRouteApi, Link } from '@tanstack/react-router'
import { useWords } from '~/i18n/words'
import { Figure, SegmentBar } from '~/ui/figures'
import { Flash } from '~/ui/flash'
import { When } from '~/ui/values'
import { countOf, segments, SITE_SHAPES, SITE_STATES, type Order, type SiteState } from '../deployments/order'

const route = getRouteApi('/shell/deployments/$id')
/** These always stand there, the others only when there are any. */
const ALWAYS: readonly SiteState[] = ['installed', 'downloading', 'pending', 'failed']

export function Shares({ order }: { order: Order }) {
  const words = useWords()
  const { t } = words
  if (order.status === 'scheduled') {
    return (
      <section className="card planned">
        <p>
          {t('deployment.planned_note')} <When at={order.scheduled_at} />
        </p>
      </section>
    )
  }
  const shown = SITE_STATES.filter((state) => ALWAYS.includes(state) || countOf(order, state) > 0)
  return (
    <section className="card shares" aria-label={t('deployment.shares')}>
      <SegmentBar segments={segments(order, words)} />
      <div className="figures even">
        {shown.map((state) => (
          <Share key={state} order={order} state={state} />
        ))}
      </div>
    </section>
  )
}

function Share({ order, state }: { order: Order; state: SiteState }) {
  const { t, formats } = useWords()
  const search = route.useSearch()
  const count = countOf(order, state)
  const chosen = search.state === state
  return (
    <Link
      to="/deployments/$id"
      params={{ id: order.id }}
      search={chosen ? {} : { state }}
      replace
      resetScroll={false}
      className={`share${state === 'failed' && count > 0 ? ' hot' : ''}${chosen ? ' chosen' : ''}`}
      aria-current={chosen ? 'true' : undefined}
    >
      <Figure
        state={SITE_SHAPES[state]}
        label={t(`deployments.state.${state}`)}
        value={<Flash of={count}>{formats.number(count)}</Flash>}
        note={order.total_count > 0 ? formats.percent(count / order.total_count, 1) : undefined}
      />
    </Link>
  )
}
