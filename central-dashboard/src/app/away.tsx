import { useEffect } from 'react'
import { currentSession } from '~/api/session'
import { useWords } from '~/i18n/words'
import { Failed } from '~/ui/page'
import './away.css'

/** The server did not say whose session this is: nothing can be shown yet. It is asked again when the network is back. */
export function Away({ again }: { again: () => void }) {
  const { t } = useWords()
  const session = currentSession()
  useEffect(() => {
    addEventListener('online', again)
    return () => removeEventListener('online', again)
  }, [again])
  return (
    <main className="away">
      <h1>{t('app.away')}</h1>
      <Failed error={session.state === 'away' ? session.error : undefined} retry={again} />
    </main>
  )
}
