import { lazy, Suspense, useEffect, useState } from 'react'
import { lookAgain } from '~/api/session'
import { useNearEnd } from '~/api/session-end'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import './ending.css'

const Stay = lazy(() => import('./stay'))

/** Said two minutes before a session ends: what is being written would be lost to the login page. */
export function EndBanner() {
  const { t, formats } = useWords()
  const end = useNearEnd(lookAgain)
  const [staying, stay] = useState(false)
  useEffect(() => {
    // A dialog makes everything around it unreachable, this line as well: then the question comes by itself.
    if (end !== undefined && document.querySelector('dialog[open]')) stay(true)
  }, [end])
  if (end === undefined) return null
  return (
    <div className="ending" role="alert">
      <Icon name="key" />
      <p>{t('ending.said', { time: formats.time(new Date(end), true) })}</p>
      <button type="button" className="btn sm" onClick={() => stay(true)}>
        {t('ending.stay')}
      </button>
      {staying ? (
        <Suspense>
          <Stay end={end} onClose={() => stay(false)} />
        </Suspense>
      ) : null}
    </div>
  )
}
