/** That a limit is near or reached: the shape says which, and the words what to do. */
import type { ReactNode } from 'react'
import { Shape } from '~/ui/state'
import './admin.css'

/** As the server says it; a word of a newer one is near. */
type Reached = 'near' | 'full'

export function Level({ of, children }: { of: string; children: (level: Reached) => ReactNode }) {
  if (of === 'ok') return null
  const level = of === 'full' ? 'full' : 'near'
  return (
    <p className={`level ${level}`}>
      <Shape state={level === 'full' ? 'error' : 'warning'} />
      <span>{children(level)}</span>
    </p>
  )
}
