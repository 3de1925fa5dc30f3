/** The state of an account and of its second factor: a shape and a word. */
import { useWords } from '~/i18n/words'
import { Shape, type Progress, type State } from '~/ui/state'
import type { Factor, Standing } from './account'

const STANDING: Record<Standing, State | Progress> = {
  active: 'done',
  invited: 'planned',
  inactive: 'cancelled',
  suspended: 'failed',
}

/** Whatever else has such a state says it in words of its own. */
export function StandingBadge({ standing, said }: { standing: Standing; said?: string }) {
  const { t } = useWords()
  return (
    <span className="state" data-state={standing}>
      <Shape state={STANDING[standing]} />
      {said ?? t(`users.standing.${standing}`)}
    </span>
  )
}

export function FactorBadge({ factor }: { factor: Factor }) {
  const { t } = useWords()
  if (factor === 'off') return <span className="mut">{t('users.factor.off')}</span>
  return (
    <span className="state">
      <Shape state={factor === 'on' ? 'done' : 'warning'} />
      {t(`users.factor.${factor}`)}
    </span>
  )
}
