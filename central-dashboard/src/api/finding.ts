/** Why no session could be taken up: what answers at the address that this dashboard was built for. */
import { isLocal } from './address'
import { NOT_YET } from './errors'
import { ORIGIN } from './origin'

export type Finding =
  /** This device has no network. */
  | 'offline'
  /** A page over TLS may not ask a server without it. */
  | 'mixed'
  /** Nothing was configured, and no server is where the page comes from. */
  | 'unset'
  /** What was configured is where the page comes from, and no server is there. */
  | 'own'
  /** It is our server, which does not know this page. */
  | 'refused'
  /** Something answers that is not our server. */
  | 'other'
  /** Something answers for the server that it is not there yet, or nothing has answered for long. */
  | 'asleep'
  /** Nothing answers. */
  | 'silent'
  /** It is our server, and it lets this page in. */
  | 'up'

/** So long a server that is there takes at most for what asks nobody else. */
const PATIENCE = 8_000

/** What the address answers with, as far as this page may see it. */
type Answer =
  | { is: 'read'; status: number; ours: boolean }
  /** It came, but not for this page. */
  | { is: 'sealed' }
  | { is: 'late' }
  | { is: 'none' }

/** Finds out what is the matter, in at most some twenty seconds. Never throws. */
export async function findOut(origin = ORIGIN, page = location.origin, given = __API__): Promise<Finding> {
  // An address that is none does not pass the build (`scripts/host.ts`).
  const there = new URL(origin)
  if (page.startsWith('https:') && there.protocol === 'http:' && !isLocal(there.hostname)) return 'mixed'
  if (!navigator.onLine && !isLocal(there.hostname)) return 'offline'
  const answer = await ask(`${origin}/live`)
  if (answer.is === 'late') return 'asleep'
  if (answer.is === 'none') return navigator.onLine ? 'silent' : 'offline'
  if (answer.is === 'sealed') return 'other'
  if (answer.ours) return origin === page ? 'up' : letsIn(origin)
  if (NOT_YET.includes(answer.status)) return 'asleep'
  if (origin !== page) return 'other'
  return given === '' ? 'unset' : 'own'
}

/** The sign of life is for every page; whatever else our server says is only for those that it knows. */
async function letsIn(origin: string): Promise<Finding> {
  const answer = await ask(`${origin}/ready`)
  if (answer.is === 'late') return 'asleep'
  return answer.is === 'read' ? 'up' : 'refused'
}

async function ask(address: string): Promise<Answer> {
  const stop = AbortSignal.timeout(PATIENCE)
  const plain: RequestInit = { credentials: 'omit', cache: 'no-store', signal: stop }
  try {
    const answer = await fetch(address, plain)
    return { is: 'read', status: answer.status, ours: isOurs(await answer.text()) }
  } catch {
    if (stop.aborted) return { is: 'late' }
  }
  try {
    // Without a look at the answer a browser asks anybody: so one that came is told from none.
    await fetch(address, { ...plain, mode: 'no-cors' })
    return { is: 'sealed' }
  } catch {
    return stop.aborted ? { is: 'late' } : { is: 'none' }
  }
}

/** Whether this is the sign of life of our server: of one before this version it has no name. */
function isOurs(text: string): boolean {
  try {
    const said = JSON.parse(text) as { status?: unknown; timestamp?: unknown; service?: unknown }
    return said.service === 'neopro-central' || (said.status === 'ok' && typeof said.timestamp === 'string')
  } catch {
    return false
  }
}
