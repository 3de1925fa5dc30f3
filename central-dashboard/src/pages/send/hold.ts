/** Holds something back for ten seconds, so that it can be undone before it happened. Looking at it stops the clock. */
import { useEffect, useRef, useState } from 'react'

export const PATIENCE = 10_000
const STEP = 100

export function useHold<T>(release: (what: T) => void) {
  const [left, setLeft] = useState<number>()
  const [paused, pause] = useState(false)
  const held = useRef<T>(undefined)
  const last = useRef(0)
  const run = useRef(release)
  useEffect(() => {
    run.current = release
  })
  const now = () => {
    const what = held.current
    held.current = undefined
    setLeft(undefined)
    if (what !== undefined) run.current(what)
  }
  const isOn = left !== undefined && !paused
  useEffect(() => {
    if (!isOn) return
    last.current = performance.now()
    // By the clock, not by the number of steps: a busy machine must not make it longer.
    const timer = setInterval(() => {
      const passed = performance.now() - last.current
      last.current = performance.now()
      setLeft((before) => (before === undefined ? undefined : Math.max(0, before - passed)))
    }, STEP)
    return () => clearInterval(timer)
  }, [isOn])
  useEffect(() => {
    if (left === 0) now()
  }, [left])
  useEffect(() => {
    // The browser asks before it closes the tab; whoever goes to another page meant it.
    const stay = (event: BeforeUnloadEvent) => {
      if (held.current !== undefined) event.preventDefault()
    }
    addEventListener('beforeunload', stay)
    return () => removeEventListener('beforeunload', stay)
  }, [])
  useEffect(() => {
    let mounted = true
    return () => {
      mounted = false
      // Strict mode mounts twice in a row: only a real leave lets it go.
      queueMicrotask(() => {
        const what = held.current
        held.current = undefined
        if (!mounted && what !== undefined) run.current(what)
      })
    }
  }, [])
  return {
    left,
    begin: (what: T) => {
      held.current = what
      pause(false)
      setLeft(PATIENCE)
    },
    undo: () => {
      held.current = undefined
      setLeft(undefined)
    },
    now,
    pause,
  }
}
