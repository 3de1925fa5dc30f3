/** How much is going on: four figures, each of which is a filter. */
import { Link } from '@tanstack/react-router'
import type { DeploymentSummary } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Figure } from '~/ui/figures'
import { Flash } from '~/ui/flash'
import { Loaded, type Asked } from '~/ui/page'

export function SummaryCard({ query }: { query: Asked<DeploymentSummary> }) {
  return (
    <section className="card summary">
      <Loaded query={query} rows={2}>
        {(summary) => <Figures summary={summary} />}
      </Loaded>
    </section>
  )
}

function Figures({ summary }: { summary: DeploymentSummary }) {
  const { t, formats } = useWords()
  const value = (count: number) => <Flash of={count}>{formats.number(count)}</Flash>
  return (
    <div className="figures even">
      <Link to="/deployments" search={{ open: 'true' }}>
        <Figure state="running" label={t('deployments.figure.open')} value={value(summary.open - summary.scheduled)} note={t('deployments.figure.open.note')} />
      </Link>
      <Link to="/deployments" search={{ status: 'scheduled' }}>
        <Figure state="planned" label={t('deployments.figure.scheduled')} value={value(summary.scheduled)} note={t('deployments.figure.scheduled.note')} />
      </Link>
      <Link to="/deployments" search={{ status: 'failed' }} className={summary.failed_7d > 0 ? 'hot' : undefined}>
        <Figure state="failed" label={t('deployments.figure.failed')} value={value(summary.failed_7d)} note={t('deployments.figure.week')} />
      </Link>
      <Link to="/deployments" search={{ status: 'completed' }}>
        <Figure state="done" label={t('deployments.figure.completed')} value={value(summary.completed_7d)} note={t('deployments.figure.week')} />
      </Link>
    </div>
  )
}
