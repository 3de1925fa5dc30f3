/** Whether files are on their way: all that the shell needs to know before it loads the rest. */
import { useSyncExternalStore } from 'react'

export interface Presence {
  /** Files that are not done and not refused. */
  open: number
  /** Files that wait for a person. */
  stuck: number
  /** Share of the bytes that have been sent, 0 to 1. */
  share: number
}

let now: Presence = { open: 0, stuck: 0, share: 0 }
const listeners = new Set<() => void>()

/** Tells what stands now; the queue does. */
export function tellPresence(next: Presence): void {
  if (next.open === now.open && next.stuck === now.stuck && Math.abs(next.share - now.share) < 0.005) return
  now = next
  for (const tell of listeners) tell()
}

export function usePresence(): Presence {
  return useSyncExternalStore(listen, () => now)
}

function listen(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}
