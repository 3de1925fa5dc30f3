import { useRouter } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { Unreachable } from '~/api/errors'
import { useLive } from '~/api/live'
import { Failed } from '~/ui/page'

/** When a page itself breaks or cannot be loaded; one that could not be loaded comes by itself when the line is back. */
export function PageError({ error }: { error: unknown }) {
  const router = useRouter()
  const { state } = useLive()
  const isUnloaded = error instanceof TypeError && /import|preload|fetch/i.test(error.message)
  // Only when the line comes back: with a line that stands, what cannot be loaded would be asked for without end.
  const before = useRef(state)
  useEffect(() => {
    if (isUnloaded && state === 'live' && before.current !== 'live') void router.invalidate()
    before.current = state
  }, [isUnloaded, state, router])
  return (
    <div className="broken">
      <Failed error={isUnloaded ? new Unreachable(error) : error} retry={() => void router.invalidate()} />
    </div>
  )
}
