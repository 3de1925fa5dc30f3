/** Whether this page still fits the server, and the dashboard that is published now. */
import { useSyncExternalStore } from 'react'

export type Notice =
  /** Another dashboard is published where this page came from. */
  | { kind: 'published'; mark: string }
  /** The server is of another version, and this page is what is published. */
  | { kind: 'server'; mark: string }
  /** The policy of this page forbids an address that the server has named. */
  | { kind: 'blocked'; mark: string }

let notice: Notice | undefined
const listeners = new Set<() => void>()

export function useNotice(): Notice | undefined {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell)
      return () => listeners.delete(tell)
    },
    () => notice,
  )
}

function become(next: Notice | undefined): void {
  if (next?.kind === notice?.kind && next?.mark === notice?.mark) return
  notice = next
  for (const tell of listeners) tell()
}

/**
 * The server has greeted. When it does so once more it may have been published anew, and the dashboard with it, so the
 * host is asked which dashboard it has.
 */
export async function greeted(server: unknown, again: boolean): Promise<void> {
  if (server === __VERSION__ && !again) return
  const build = await published()
  if (build !== undefined && build !== __BUILD__) become({ kind: 'published', mark: build })
  else if (typeof server === 'string' && server !== __VERSION__) become({ kind: 'server', mark: server })
  else if (notice?.kind !== 'blocked') become(undefined)
}

/** The mark of the dashboard that is published where this page came from. */
async function published(): Promise<string | undefined> {
  try {
    const answer = await fetch('/health.json', { cache: 'no-store' })
    const said = (await answer.json()) as { service?: unknown; build?: unknown }
    return said.service === 'neopro-dashboard' && typeof said.build === 'string' ? said.build : undefined
  } catch {
    // No answer, or that of another program: nothing is known.
    return undefined
  }
}

/** Of the addresses that the build did not know: videos lie where the server says. */
export function watchPolicy(): void {
  addEventListener('securitypolicyviolation', ({ blockedURI, effectiveDirective }) => {
    if (!['connect-src', 'img-src', 'media-src'].includes(effectiveDirective) || !URL.canParse(blockedURI)) return
    const { origin, protocol } = new URL(blockedURI)
    if (protocol.startsWith('http')) become({ kind: 'blocked', mark: origin })
  })
}
