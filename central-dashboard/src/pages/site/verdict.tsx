import { useQuery } from '@tanstack/react-query'
import { useLive } from '~/api/live'
import { reads } from '~/api/reads'
import type { Site } from '~/api/types'
import { useOfflineSince } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Shape, tone } from '~/ui/state'
import { drifts } from './drift'

/** One sentence on this box, from what is known; and, when it is silent, what one can ask the club by telephone. */
export function Verdict({ site }: { site: Site }) {
  const { t } = useWords()
  const state = site.display_status
  return (
    <section className={`verdict ${tone(state)}c`} aria-labelledby="verdict">
      <Shape state={state} />
      <div>
        <h2 id="verdict">
          <Sentence site={site} />
        </h2>
        {state === 'offline' ? <Questions /> : <p>{state === 'online' ? <Direct /> : t(`site.verdict.${state}.text`)}</p>}
      </div>
    </section>
  )
}

/** Whether what is on the screen is of now. */
function Direct() {
  const { t, formats } = useWords()
  const live = useLive()
  const cut = useOfflineSince()
  if (live.state === 'live' && cut === undefined) return t('site.verdict.online.text')
  return t('site.verdict.online.stale', { time: formats.time(new Date(cut ?? live.at)) })
}

function Sentence({ site }: { site: Site }) {
  const { t, formats } = useWords()
  const { data } = useQuery(reads.siteInventory(site.id))
  const state = site.display_status
  if (state !== 'online') {
    const date = site.last_seen_at ? formats.dateTime(new Date(site.last_seen_at)) : ''
    return t(`site.verdict.${state}`, { date })
  }
  if (!data) return t('site.verdict.online')
  const open = data.items.filter(drifts).length
  const failed = data.items.filter((item) => item.desired && item.state === 'failed').length
  const wanted = data.items.filter((item) => item.desired).length
  if (failed > 0) return t('site.verdict.failed', { count: failed })
  if (open > 0 || site.behind) return t('site.verdict.behind', { count: open })
  return t('site.verdict.complete', { count: wanted })
}

const STEPS = ['power', 'lamp', 'network', 'restart'] as const

function Questions() {
  const { t } = useWords()
  return (
    <>
      <p>{t('site.verdict.offline.text')}</p>
      <details className="questions">
        <summary>{t('site.questions')}</summary>
        <ol>
          {STEPS.map((step) => (
            <li key={step}>{t(`site.question.${step}`)}</li>
          ))}
        </ol>
      </details>
    </>
  )
}
