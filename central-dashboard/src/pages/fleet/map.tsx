import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { reads } from '~/api/reads'
import type { DisplayState, Site } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Empty, Panel } from '~/ui/page'
import { Shape } from '~/ui/state'
import { dots, SIZE, type Dot } from './france'
import { Regions } from './versions'

/** All clubs of a map come in one answer: beyond this many there are bars by region instead. */
export const MAP_MOST = 1000

const LEGEND: DisplayState[] = ['online', 'warning', 'offline', 'error', 'maintenance', 'unknown']

export function ClubMap({ total }: { total: number | undefined }) {
  return total === undefined || total > MAP_MOST ? <Regions /> : <DotMap />
}

/** Where the clubs are, by state, from their coordinates. */
function DotMap() {
  const { t } = useWords()
  const query = useQuery(reads.sites({ page: 1, limit: MAP_MOST }))
  return (
    <Panel
      title={t('fleet.map')}
      note={t('fleet.map.note')}
      className="map-card"
      query={query}
      rows={7}
      isEmpty={({ data }) => data.every((site) => !site.location?.coordinates)}
      empty={
        <Empty icon="globe" title={t('fleet.map.empty')}>
          {t('fleet.map.empty.text')}
        </Empty>
      }
    >
      {({ data }) => <Picture sites={data} />}
    </Panel>
  )
}

function Picture({ sites }: { sites: Site[] }) {
  const { t } = useWords()
  const { dots: all, elsewhere, nowhere } = useMemo(() => dots(sites), [sites])
  const there = LEGEND.filter((state) => all.some((dot) => dot.state === state))
  return (
    <div className="map">
      <svg viewBox={`0 0 ${SIZE.width} ${SIZE.height}`} role="img" aria-label={t('fleet.map.label', { count: sites.length })}>
        {all.map((dot) => (
          <Mark key={`${dot.x} ${dot.y}`} dot={dot} />
        ))}
      </svg>
      <div className="map-key">
        <ul className="map-legend">
          {there.map((state) => (
            <li key={state}>
              <Shape state={state} />
              {t(`ui.state.${state}`)}
            </li>
          ))}
        </ul>
        {elsewhere > 0 ? <p className="mut">{t('fleet.map.elsewhere', { count: elsewhere })}</p> : null}
        {nowhere > 0 ? <p className="mut">{t('fleet.map.nowhere', { count: nowhere })}</p> : null}
      </div>
    </div>
  )
}

/** A plain dot where all is well or nothing is, a shape where somebody is needed. */
function Mark({ dot: { x, y, state } }: { dot: Dot }) {
  if (state === undefined) return <circle className="dot" cx={x} cy={y} r="1.3" />
  if (state === 'online') return <circle className="dot on" cx={x} cy={y} r="2.5" />
  return (
    <svg x={x - 4.5} y={y - 4.5} width="9" height="9" overflow="visible">
      <Shape state={state} />
    </svg>
  )
}
