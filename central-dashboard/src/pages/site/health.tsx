import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useBeat } from '~/api/beats'
import { reads } from '~/api/reads'
import type { Metrics, Site } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { Sparkline } from '~/ui/figures'
import { Empty, Panel } from '~/ui/page'
import { Definition } from '~/ui/popover'
import { Age } from '~/ui/values'
import { CURVES, curve, latest, type Curve } from './curves'
import { HealthTable } from './health-table'

/** What the box measures: its latest value beside a day of averages, with the limit in sight. */
export function HealthPanel({ site }: { site: Site }) {
  const { t } = useWords()
  const query = useQuery(reads.siteMetrics(site.id))
  const [table, showTable] = useState(false)
  return (
    <Panel
      title={t('site.health')}
      note={t('site.health.note')}
      query={query}
      rows={8}
      isEmpty={(data) => data.metrics.length === 0}
      empty={<Empty title={t('site.health.empty')}>{t(site.last_seen_at ? 'site.health.silent' : 'site.health.never')}</Empty>}
    >
      {(data) => (
        <>
          <Curves site={site} metrics={data} />
          <button type="button" className="link" onClick={() => showTable(true)}>
            {t('site.table')}
          </button>
          <Dialog open={table} onClose={() => showTable(false)} title={t('site.health.table', { club: site.club_name })} wide>
            <HealthTable metrics={data} />
          </Dialog>
        </>
      )}
    </Panel>
  )
}

function Curves({ site, metrics }: { site: Site; metrics: Metrics }) {
  const { t } = useWords()
  const beat = useBeat(site.id)
  const now = latest(metrics, beat)
  // The axis ends with the newest figure, not with the clock: the picture stands still between two of them.
  const [opened] = useState(() => Date.now())
  const to = Math.max(opened, now?.at ?? 0)
  const from = to - metrics.period_hours * 3_600_000
  return (
    <>
      {CURVES.map((one) => (
        <Row key={one.name} of={one} metrics={metrics} from={from} to={to} now={now?.[one.name]} />
      ))}
      <p className="measured">
        {now ? (
          <>
            {t('site.health.measured')} <Age at={new Date(now.at)} />
          </>
        ) : (
          t('site.health.old')
        )}
      </p>
    </>
  )
}

interface RowProps {
  of: Curve
  metrics: Metrics
  from: number
  to: number
  now: number | null | undefined
}

function Row({ of, metrics, from, to, now }: RowProps) {
  const { t, formats } = useWords()
  const unit = (value: number) =>
    of.unit === 'celsius' ? t('site.celsius', { value: formats.decimal(value, 0) }) : formats.percent(value / 100, 0)
  const over = now != null && of.threshold !== undefined && now >= of.threshold
  return (
    <div className={over ? 'spark hot' : 'spark'}>
      <div>
        <span className="l">
          {t(`site.figure.${of.name}`)}
          <Definition>{t(`site.figure.${of.name}.definition`)}</Definition>
        </span>
        <b>{now == null ? <span className="mut">{t('ui.unknown')}</span> : unit(now)}</b>
      </div>
      <Sparkline
        points={curve(metrics, of.name)}
        from={from}
        to={to}
        min={of.min}
        max={of.max}
        {...(of.threshold === undefined ? {} : { threshold: of.threshold })}
        gap={GAP}
        label={t('site.figure.line', { name: t(`site.figure.${of.name}`) })}
      />
      <small>
        {over ? <b>{t('site.figure.over')}</b> : null}
        {of.threshold === undefined
          ? t('site.figure.range', { from: unit(of.min), to: unit(of.max) })
          : t('site.figure.threshold', { value: unit(of.threshold) })}
      </small>
    </div>
  )
}

/** Figures are averages of an hour: a missing hour is a gap. */
const GAP = 100 * 60_000
