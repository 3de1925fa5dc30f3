/** The heartbeats of the one site that is looked at: the stream brings them while its page is open. */
import { useEffect, useSyncExternalStore } from 'react'

export interface Beat {
  site_id: string
  at: string
  cpu: number | null
  memory: number | null
  temperature: number | null
  disk: number | null
  uptime: number | null
}

let site: string | undefined
let beat: Beat | undefined
const listeners = new Set<() => void>()
const askers = new Set<() => void>()

export const watchedSite = (): string | undefined => site

/** Calls when another site is to be listened to. */
export function onWatch(ask: () => void): () => void {
  askers.add(ask)
  return () => askers.delete(ask)
}

/** The server does not know it, or not any more: the next line does without. */
export function forgetSite(id: string): void {
  if (site === id) site = undefined
}

/** Listens to a site's heartbeats while the component is there; to none as long as it is not known. */
export function useHeartbeats(id: string | undefined): void {
  useEffect(() => {
    if (id === undefined) return
    site = id
    beat = undefined
    for (const ask of askers) ask()
    return () => {
      // The line stays as it is: its next connection does without.
      site = undefined
    }
  }, [id])
}

export function takeBeat(data: string): void {
  const next = JSON.parse(data) as Beat
  if (next.site_id !== site) return
  beat = next
  for (const tell of listeners) tell()
}

/** The newest heartbeat of a site since its page was opened. */
export function useBeat(id: string): Beat | undefined {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell)
      return () => listeners.delete(tell)
    },
    () => (beat?.site_id === id ? beat : undefined),
  )
}
