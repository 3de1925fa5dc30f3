/** The last word of the breadcrumb, which only the page knows. */
import { useEffect, useSyncExternalStore } from 'react'

let crumb: string | undefined
const listeners = new Set<() => void>()

function set(next: string | undefined): void {
  crumb = next
  for (const tell of listeners) tell()
}

/** Names the page in the top bar while it is there. */
export function useCrumb(name: string | undefined): void {
  useEffect(() => {
    set(name)
    return () => set(undefined)
  }, [name])
}

export function useShownCrumb(): string | undefined {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell)
      return () => listeners.delete(tell)
    },
    () => crumb,
  )
}
