/** What every list of orders shows of one: its picture, its word, its bar. */
import { useWords } from '~/i18n/words'
import { Flash } from '~/ui/flash'
import { ProgressBar } from '~/ui/figures'
import { Icon } from '~/ui/icons'
import { Shape, tone } from '~/ui/state'
import { Age, When } from '~/ui/values'
import { countOf, segments, shapeOf, SITE_SHAPES, standing, targetName, type Order, type SiteState } from './order'
import './parts.css'

/** Shape and word; live. */
export function StandingBadge({ order, chip = false }: { order: Order; chip?: boolean }) {
  const { t } = useWords()
  const word = standing(order)
  const shape = shapeOf(order)
  return (
    <Flash of={word}>
      <span className={chip ? `chip status ${tone(shape)}c` : 'state status'} data-state={word}>
        <Shape state={shape} />
        {t(`deployments.standing.${word}`)}
      </span>
    </Flash>
  )
}

/** The state of one site within an order. */
export function SiteStateBadge({ state }: { state: SiteState }) {
  const { t } = useWords()
  return (
    <span className="state status" data-state={state}>
      <Shape state={SITE_SHAPES[state]} />
      {t(`deployments.state.${state}`)}
    </span>
  )
}

/** A small picture of the video, or the drawing of what has none. */
export function Thumb({ order }: { order: Order }) {
  return (
    <span className="thumb" aria-hidden="true">
      {order.thumbnail_url ? <img src={order.thumbnail_url} alt="" loading="lazy" /> : <Icon name="video" />}
    </span>
  )
}

/** The picture, the title, and that it is a withdrawal, if it is one. */
export function What({ order }: { order: Order }) {
  const { t } = useWords()
  return (
    <span className="what">
      <Thumb order={order} />
      <span className="what-title">{order.video_title}</span>
      {order.action === 'remove' ? <span className="chip tiny">{t('deployments.removal')}</span> : null}
    </span>
  )
}

/** The bar with its count, and what is wrong in one word. */
export function Advance({ order, named = false }: { order: Order; named?: boolean }) {
  const words = useWords()
  const { t, formats } = words
  if (order.status === 'scheduled') {
    return (
      <span className="advance">
        <small>
          {named ? <>{targetName(order, words)} · </> : null}
          {order.scheduled_at ? t('deployments.planned', { at: formats.dateTime(new Date(order.scheduled_at)) }) : null}
        </small>
      </span>
    )
  }
  const shares = segments(order, words)
  const label = formats.list(shares.filter((share) => share.value > 0).map((share) => share.label))
  return (
    <span className="advance">
      <ProgressBar segments={shares} total={order.total_count} label={label} />
      <small>
        {named ? <>{targetName(order, words)} · </> : null}
        <Flash of={order.deployed_count}>
          {t('deployments.of', { done: formats.number(order.deployed_count), total: formats.number(order.total_count) })}
        </Flash>
        <Trouble order={order} />
      </small>
    </span>
  )
}

function Trouble({ order }: { order: Order }) {
  const { t, formats } = useWords()
  const part = (state: SiteState) =>
    t(`deployments.part.${state}`, { count: countOf(order, state), shown: formats.number(countOf(order, state)) })
  if (order.failed_count > 0) return <span className="red"> · {part('failed')}</span>
  if (countOf(order, 'downloading') > 0) return <> · {part('downloading')}</>
  if (order.open_count > 0) return <> · {part('pending')}</>
  return null
}

/** When: for which day it is planned, else since when it runs. */
export function OrderedAt({ order }: { order: Order }) {
  if (order.status === 'scheduled') return <When at={order.scheduled_at} />
  return <Age at={order.started_at ?? order.created_at} />
}
