import { Link } from '@tanstack/react-router'
import type { DisplayState, SiteStats } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Figure, SegmentBar } from '~/ui/figures'
import { Flash } from '~/ui/flash'

const STATES: DisplayState[] = ['online', 'warning', 'offline', 'error', 'maintenance', 'unknown']

/** Every box once: one bar, and its parts as figures that lead to the boxes. */
export function FleetParts({ stats }: { stats: SiteStats }) {
  const { t, formats } = useWords()
  const segments = STATES.map((state) => ({
    state,
    value: stats[state],
    label: t('fleet.segment', { state: t(`ui.state.${state}`), count: formats.number(stats[state]) }),
  }))
  return (
    <>
      <SegmentBar segments={segments} />
      <div className="figures">
        {STATES.map((state) => (
          <Part key={state} state={state} stats={stats} />
        ))}
      </div>
    </>
  )
}

function Part({ state, stats }: { state: DisplayState; stats: SiteStats }) {
  const { t, formats } = useWords()
  const count = stats[state]
  const hot = count > 0 && (state === 'offline' || state === 'error')
  return (
    <Link to="/sites" search={{ display_status: state }} className={hot ? 'hot' : undefined}>
      <Figure
        state={state}
        label={t(`ui.state.${state}`)}
        value={<Flash of={count}>{formats.number(count)}</Flash>}
        note={<Note state={state} stats={stats} />}
        big={state === 'online'}
      />
    </Link>
  )
}

function Note({ state, stats }: { state: DisplayState; stats: SiteStats }) {
  const { t, formats } = useWords()
  if (state === 'online') {
    const share = formats.percent(stats.online / Math.max(stats.total_sites, 1))
    return t('fleet.note.online', { share, total: formats.number(stats.total_sites) })
  }
  if (state === 'offline') return t('fleet.note.offline', { count: stats.offline_24h, shown: formats.number(stats.offline_24h) })
  return t(`fleet.note.${state}`)
}
