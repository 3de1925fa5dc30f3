/** When the session is over, by the clock of this machine: the server says how much is left. */
import { useEffect, useState, useSyncExternalStore } from 'react'

let end: number | undefined
const listeners = new Set<() => void>()

/** What is left in seconds; the same end said once more, a second off, is no other end. */
export function sessionEndsIn(seconds: number | undefined): void {
  const next = seconds === undefined ? undefined : Date.now() + seconds * 1000
  if (next !== undefined && end !== undefined && Math.abs(next - end) < 2000) return
  end = next
  for (const tell of listeners) tell()
}

export const sessionEnd = (): number | undefined => end

function onEnd(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

/** So long before the end it is said. */
const BEFORE = 120_000
/** Browsers lose timers of more than 24 days, and those of a machine that slept are late. */
const LONGEST = 60_000

/** Calls two minutes before `at`, at once if it is later than that; what it returns calls it off. */
export function beforeEnd(at: number, tell: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>
  const wait = () => {
    const left = at - BEFORE - Date.now()
    if (left > 0) timer = setTimeout(wait, Math.min(left, LONGEST))
    else tell()
  }
  wait()
  return () => clearTimeout(timer)
}

/** The end of the session, when it is near. Another tab may have gone on with it: `look` asks the server first. */
export function useNearEnd(look: () => Promise<void>): number | undefined {
  const at = useSyncExternalStore(onEnd, sessionEnd)
  const [near, setNear] = useState<number>()
  useEffect(() => {
    if (at === undefined) return
    let alive = true
    const off = beforeEnd(at, () => void look().then(() => (alive ? setNear(at) : undefined)))
    return () => {
      alive = false
      off()
    }
  }, [at, look])
  return near === at ? near : undefined
}
