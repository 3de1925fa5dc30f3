/**
 * The session of a tab whose API is elsewhere: a handle that is used once and followed by the next one.
 *
 * The page never knows whether a lost answer was lost on the way there or back. So it keeps every handle that may be
 * the current one, the newest last, and tries the newest first: one that the server does not know harms nothing, one
 * that it has used before ends the session.
 */
export interface Renewed<User> {
  token: string
  expires_in: number
  session_expires_in: number
  user: User
}

export type Answer<User> = { kind: 'renewed'; session: Renewed<User> } | { kind: 'unknown' } | { kind: 'ended' }

export interface Shelf {
  read(): string[]
  write(handles: string[]): void
}

/** More lost answers than this in a row, and the person logs in again. */
const MOST = 8

/** Gets a fresh token, or `null` when the session is over. Throws when no answer came. */
export async function renew<User>(
  shelf: Shelf,
  ask: (handle: string, next: string) => Promise<Answer<User>>,
  make: () => string = newHandle,
): Promise<Renewed<User> | null> {
  let handles = shelf.read().slice(-MOST)
  while (handles.length > 0) {
    const handle = handles[handles.length - 1] as string
    const next = make()
    shelf.write([...handles, next])
    const answer = await ask(handle, next)
    if (answer.kind === 'renewed') {
      shelf.write([next])
      return answer.session
    }
    handles = answer.kind === 'ended' ? [] : handles.slice(0, -1)
    shelf.write(handles)
  }
  return null
}

/** 256 random bits as 43 characters that may stand in JSON. */
export function newHandle(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}

const KEY = 'neopro.session'

/** Where the tab keeps them: gone with the tab, kept by a reload. */
export const tabShelf: Shelf = {
  read() {
    const kept = sessionStorage.getItem(KEY)
    return kept ? kept.split(' ') : []
  },
  write(handles) {
    if (handles.length === 0) sessionStorage.removeItem(KEY)
    else sessionStorage.setItem(KEY, handles.join(' '))
  },
}
