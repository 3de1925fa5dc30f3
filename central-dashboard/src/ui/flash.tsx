/** Tints its content for 600 ms when the value has changed while it was on the screen. */
import { useEffect, useRef, type ReactNode } from 'react'
import './flash.css'

export function Flash({ of, children }: { of: string | number | boolean | null | undefined; children: ReactNode }) {
  const ref = useRef<HTMLSpanElement>(null)
  const before = useRef(of)
  useEffect(() => {
    if (before.current === of) return
    before.current = of
    const element = ref.current
    element?.classList.remove('flash')
    // Read in between, so that a second change starts it anew.
    void element?.offsetWidth
    element?.classList.add('flash')
  }, [of])
  return <span ref={ref}>{children}</span>
}
