import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useUser } from '~/api/session'
import type { SiteStats } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { targetName } from '~/pages/deployments/order'
import { Empty, Failed, PanelHead, Skeleton } from '~/ui/page'
import { Shape, tone, type State } from '~/ui/state'
import { reasonOf } from '~/reasons/reason'
import { olderThan } from '../sites/search'
import { RetryCause } from './retry-cause'
import { useTrouble, type Trouble } from './use-trouble'

/** So many causes; the rest is in the deployments. */
const CAUSES = 5

/** What needs somebody, each with the way to mend it. */
export function Todo({ stats }: { stats: SiteStats | undefined }) {
  const { t } = useWords()
  const writes = mayWrite(useUser().role)
  const trouble = useTrouble()
  const shown = trouble.troubles.slice(0, CAUSES)
  const boxes = stats && stats.error + stats.offline_24h + stats.behind + stats.unknown
  return (
    <section className="card" aria-busy={!trouble.ready}>
      <PanelHead
        title={t('fleet.todo')}
        note={t('fleet.todo.note')}
        end={
          trouble.troubles.length > 0 ? (
            <Link to="/deployments" search={{ status: 'failed' }} className="link">
              {t('fleet.all')}
            </Link>
          ) : null
        }
      />
      {trouble.error ? <Failed error={trouble.error} retry={trouble.refetch} /> : null}
      {trouble.ready || trouble.error ? null : <Skeleton rows={3} />}
      <ul className="todo">
        {stats ? <Broken stats={stats} /> : null}
        {shown.map((one) => (
          <Cause key={`${one.order.id} ${one.cause.reason_code}`} trouble={one} writes={writes} />
        ))}
        {stats ? <Boxes stats={stats} /> : null}
      </ul>
      {trouble.ready && !trouble.error && boxes === 0 && shown.length === 0 ? (
        <Empty icon="check" title={t('fleet.todo.empty')}>
          {t('fleet.todo.empty.text', { count: stats?.total_sites ?? 0 })}
        </Empty>
      ) : null}
    </section>
  )
}

function Item({ state, title, text, act }: { state: State; title: ReactNode; text: ReactNode; act: ReactNode }) {
  return (
    <li>
      <span className={`todo-sign ${tone(state)}c`}>
        <Shape state={state} />
      </span>
      <div>
        <p>{title}</p>
        <small>{text}</small>
      </div>
      {act}
    </li>
  )
}

const strong = (parts: ReactNode[]) => <b>{parts}</b>

function Broken({ stats }: { stats: SiteStats }) {
  const { t, rich, formats } = useWords()
  const count = stats.error
  if (count === 0) return null
  return (
    <Item
      state="error"
      title={rich('fleet.todo.error', { count, shown: formats.number(count), b: strong })}
      text={t('fleet.todo.error.text')}
      act={
        <Link to="/sites" search={{ display_status: 'error' }} className="btn sm">
          {t('fleet.see')}
        </Link>
      }
    />
  )
}

function Cause({ trouble: { order, cause }, writes }: { trouble: Trouble; writes: boolean }) {
  const words = useWords()
  const { rich, formats } = words
  const reason = reasonOf(cause, words)
  const title = rich(`fleet.todo.failed.${order.action}`, {
    count: cause.sites,
    shown: formats.number(cause.sites),
    title: order.video_title,
    b: strong,
  })
  return (
    <Item
      state="offline"
      title={
        <Link to="/deployments/$id" params={{ id: order.id }}>
          {title}
        </Link>
      }
      text={[reason, targetName(order, words), formats.dateTime(new Date(order.created_at))].filter(Boolean).join(' · ')}
      act={writes ? <RetryCause order={order} cause={cause} /> : null}
    />
  )
}

/** Boxes that are silent for long, that lag behind, or that never came. */
function Boxes({ stats }: { stats: SiteStats }) {
  const { t, rich, formats } = useWords()
  const parts = [
    { key: 'offline', state: 'offline', count: stats.offline_24h, search: { display_status: 'offline', seen_before: olderThan(24) } },
    { key: 'behind', state: 'update', count: stats.behind, search: { behind: 'true' } },
    { key: 'unknown', state: 'unknown', count: stats.unknown, search: { display_status: 'unknown' } },
  ] as const
  return parts
    .filter(({ count }) => count > 0)
    .map(({ key, state, count, search }) => (
      <Item
        key={key}
        state={state}
        title={rich(`fleet.todo.${key}`, { count, shown: formats.number(count), b: strong })}
        text={t(`fleet.todo.${key}.text`)}
        act={
          <Link to="/sites" search={search} className="btn sm">
            {t('fleet.see')}
          </Link>
        }
      />
    ))
}
