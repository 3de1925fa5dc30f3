import { useRouter } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { Unreachable } from '~/api/errors'
import { useLive } from '~/api/live'
import { freshPagesOnce, isUnloaded } from '~/app/fresh-pages'
import { useWords } from '~/i18n/words'
import { Failed } from '~/ui/page'

/** When a page itself breaks or cannot be loaded; one that could not be loaded comes by itself when the line is back. */
export function PageError({ error }: { error: unknown }) {
  const { t } = useWords()
  const router = useRouter()
  const { state } = useLive()
  const unloaded = isUnloaded(error)
  useEffect(() => {
    if (unloaded) void freshPagesOnce()
  }, [unloaded])
  // Only when the line comes back: with a line that stands, what cannot be loaded would be asked for without end.
  const before = useRef(state)
  useEffect(() => {
    if (unloaded && state === 'live' && before.current !== 'live') void router.invalidate()
    before.current = state
  }, [unloaded, state, router])
  return (
    <div className="broken">
      <h1 tabIndex={-1}>{t('app.broken')}</h1>
      <Failed error={unloaded ? new Unreachable(error) : error} retry={() => void router.invalidate()} />
    </div>
  )
}
