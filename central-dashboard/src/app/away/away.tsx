/** No session can be taken up, so there are no pages: what is wrong, who mends it where, and a try every few seconds. */
import { useEffect, useState, type ReactNode } from 'react'
import { findOut, type Finding } from '~/api/finding'
import { ORIGIN, SAME_ORIGIN } from '~/api/origin'
import { currentSession } from '~/api/session'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { CopyButton } from '~/ui/keep'
import { Failed } from '~/ui/page'
import { Toasts } from '~/ui/toast'
import { useSecondsUntil } from '~/ui/values'
import './away.css'

/** Seconds to the next try: what passes by itself is tried soon, what somebody has to mend less often. */
const EVERY: Record<Finding, number> = {
  offline: 5,
  asleep: 5,
  silent: 5,
  up: 5,
  refused: 15,
  other: 15,
  unset: 30,
  own: 30,
  mixed: 30,
}

/** How many steps lead out of it. */
const STEPS: Partial<Record<Finding, number>> = { refused: 3, other: 2, unset: 2, own: 2, mixed: 2, silent: 3 }

export function Away({ again }: { again: () => Promise<void> }) {
  const { t } = useWords()
  const { found, until, now } = useTries(again)
  const seconds = useSecondsUntil(until)
  return (
    <main className="away" data-found={found}>
      <h1>{t(found ? `away.${found}` : 'away.looking')}</h1>
      {found ? <Card found={found} /> : <p role="status">{t('away.looking.text')}</p>}
      <div className="acts">
        <button type="button" className="btn pri" disabled={!found} onClick={now}>
          <Icon name="again" />
          {t('ui.retry')}
        </button>
        <small className="mut">{found ? t('away.again', { seconds }) : ''}</small>
      </div>
      <Toasts />
    </main>
  )
}

function Card({ found }: { found: Finding }) {
  const { t, rich } = useWords()
  const session = currentSession()
  // Where the page comes from the server itself, nothing can be configured wrongly.
  const steps = found === 'silent' && SAME_ORIGIN ? 0 : (STEPS[found] ?? 0)
  const values = { api: ORIGIN, page: location.origin }
  if (found === 'up') return <Failed error={session.state === 'away' ? session.error : undefined} />
  return (
    <section className="card" role="alert">
      <p>{t(found === 'silent' && SAME_ORIGIN ? 'away.silent.here' : `away.${found}.text`, values)}</p>
      {steps > 0 ? (
        <ol>
          {Array.from({ length: steps }, (_, at) => (
            <li key={at}>{rich(`away.${found}.${at + 1}`, { ...values, b: bold })}</li>
          ))}
        </ol>
      ) : null}
      {found === 'refused' ? (
        <div className="away-line">
          <code>{location.origin}</code>
          <CopyButton small text={location.origin} />
        </div>
      ) : null}
      <Facts />
    </section>
  )
}

const bold = (parts: ReactNode[]) => <b>{parts}</b>

/** What this dashboard was built with. */
function Facts() {
  const { t } = useWords()
  return (
    <dl className="away-facts">
      <dt>{t('away.fact.api')}</dt>
      <dd>{__API__ === '' ? t('away.fact.none', { page: location.origin }) : ORIGIN}</dd>
      <dt>{t('away.fact.page')}</dt>
      <dd>{location.origin}</dd>
      <dt>{t('away.fact.version')}</dt>
      <dd>
        {__VERSION__} ({__BUILD__})
      </dd>
    </dl>
  )
}

/** Finds out what is wrong, waits, tries again, and finds out anew. Nobody tries for a tab that nobody looks at. */
function useTries(again: () => Promise<void>) {
  const [found, find] = useState<Finding>()
  const [until, wait] = useState<number>()
  const [round, turn] = useState(0)
  useEffect(() => {
    let alive = true
    void findOut().then((finding) => {
      if (!alive) return
      find(finding)
      wait(Date.now() + EVERY[finding] * 1000)
    })
    return () => {
      alive = false
    }
  }, [round])
  useEffect(() => {
    if (until === undefined) return
    const retry = () => {
      if (document.hidden) return
      stop()
      void again().then(() => turn((rounds) => rounds + 1))
    }
    const timer = setTimeout(retry, Math.max(0, until - Date.now()))
    const seen = () => {
      if (Date.now() >= until) retry()
    }
    const stop = () => {
      clearTimeout(timer)
      removeEventListener('online', retry)
      document.removeEventListener('visibilitychange', seen)
    }
    addEventListener('online', retry)
    document.addEventListener('visibilitychange', seen)
    return stop
  }, [until, again])
  return { found, until, now: () => wait(Date.now()) }
}
