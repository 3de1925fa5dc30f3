/** Who is logged in, and the token that says so. */
import { useSyncExternalStore } from 'react'
import { refused, Unreachable } from './errors'
import { newHandle, renew, tabShelf, type Answer, type Renewed } from './handle'
import { ORIGIN, SAME_ORIGIN } from './origin'
import { sessionEndsIn } from './session-end'
import type { components } from './schema'
import { isOnlyTab } from './tab'

/** What is asked for after the password: a code, or to set up what makes codes. Without it in time, the password again. */
export interface Challenge {
  wants: 'code' | 'setup'
  challenge: string
  until: number
}

/** What makes codes, when it is set up: shown once. */
export interface SetUp {
  qrCodeDataUrl: string
  manualEntryKey: string
  backupCodes: string[]
}

export type Role = components['schemas']['Role']
/** `mfa_required`: the role has to have a second factor and there is none yet; until `mfa_grace_until` it can wait. */
export type User = components['schemas']['LoggedInUser'] & { mfa_required?: boolean; mfa_grace_until?: string | null }

export type Session =
  | { state: 'unknown' }
  | { state: 'in'; user: User }
  /** `ended`: the server ended it; `left`: the person did. */
  | { state: 'out'; why: 'none' | 'ended' | 'left' }
  | { state: 'away'; error: unknown }

let session: Session = { state: 'unknown' }
/**
 * What says who asks. On the page's own origin it is the cookie. Elsewhere it is the partitioned one, which serves every
 * tab, as long as the browser keeps it; else the tab has a handle of its own.
 */
let proof: 'cookie' | 'handle' = 'cookie'
let last: User | undefined
let token: { value: string; until: number } | undefined
let renewing: Promise<void> | undefined
const listeners = new Set<() => void>()

export const currentSession = (): Session => session
export const currentUser = (): User | undefined => (session.state === 'in' ? session.user : undefined)

export function onSession(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

export function useSession(): Session {
  return useSyncExternalStore(onSession, currentSession)
}

/** The account, in components that only stand behind the login: they are drawn a last time when it is over. */
export function useUser(): User {
  const now = useSession()
  if (now.state === 'in') return now.user
  if (!last) throw new Error('nobody is logged in')
  return last
}

function become(next: Session): void {
  // A token that was renewed in time is no news.
  const same = session.state === 'in' && next.state === 'in' && JSON.stringify(session.user) === JSON.stringify(next.user)
  if (same) return
  session = next
  if (next.state === 'in') last = next.user
  for (const tell of listeners) tell()
}

export const usesCookie = (): boolean => proof === 'cookie'

/** Whether the browser sends cookies along. */
export const credentials = (): RequestCredentials => (proof === 'cookie' ? 'include' : 'omit')

/** Before the first page: takes up the session that a reload left. Never throws. */
export async function restore(): Promise<void> {
  // Another try knows as little as the first one.
  if (session.state === 'away') session = { state: 'unknown' }
  try {
    if (!SAME_ORIGIN && !(await isOnlyTab())) tabShelf.write([])
    if (!SAME_ORIGIN && tabShelf.read().length > 0) {
      proof = 'handle'
      await freshToken(true)
    }
    if (session.state !== 'unknown') return
    proof = 'cookie'
    const answer = await send('/api/auth/me', { method: 'GET' })
    if (answer.status === 401) become({ state: 'out', why: 'none' })
    else enter(await body<User & Lasting>(answer))
  } catch (error) {
    become({ state: 'away', error })
  }
}

type Lasting = Pick<Renewed<User>, 'session_expires_in'>

function enter({ session_expires_in, ...user }: User & Lasting): void {
  sessionEndsIn(session_expires_in)
  become({ state: 'in', user })
}

/** Asks whether the session still is, until when, and how the account is now. Without an answer nothing is known, and nothing changes. */
export async function lookAgain(): Promise<void> {
  if (session.state !== 'in') return
  try {
    await bearer()
    const answer = await send('/api/auth/me', { method: 'GET' })
    if (answer.status === 401) sessionEnded()
    else enter(await body<User & Lasting>(answer))
  } catch {
    // The line is cut: whatever is asked next says so where it belongs.
  }
}

interface Asked {
  requireMfa?: boolean
  requireMfaSetup?: boolean
  challenge?: string
  expires_in: number
}

/** What a password is answered with: a session, or what else has to be shown first. */
async function tryPassword(content: object): Promise<Renewed<User> | Challenge> {
  const answer = await body<Renewed<User> | Asked>(await send('/api/auth/login', post(content)))
  if ('token' in answer) return answer
  return {
    wants: answer.requireMfaSetup ? 'setup' : 'code',
    challenge: answer.challenge ?? '',
    until: Date.now() + answer.expires_in * 1000,
  }
}

/** Begins a session, or says what has to be shown first. The refusal is the caller's to show. */
export async function logIn(email: string, password: string): Promise<Challenge | undefined> {
  proof = 'cookie'
  const begun = await tryPassword({ email, password })
  if ('wants' in begun) return begun
  if (SAME_ORIGIN || (await cookieIsKept(begun.user))) {
    goIn(begun)
    return undefined
  }
  // Nobody would ever come back to that session.
  keep(begun)
  await send('/api/auth/logout', post({})).catch(() => undefined)
  token = undefined
  proof = 'handle'
  const handle = newHandle()
  tabShelf.write([handle])
  const own = await tryPassword({ email, password, handle })
  if ('wants' in own) return own
  goIn(own, handle)
  return undefined
}

/** Another session for the same person, as this one ends. Until it has begun, this one goes on as it is. */
export async function goOn(password: string): Promise<Challenge | undefined> {
  await renewing
  const handle = proof === 'cookie' ? undefined : newHandle()
  const begun = await tryPassword({ email: last?.email, password, handle })
  if ('wants' in begun) return begun
  goIn(begun, handle)
  return undefined
}

/**
 * The code after the password. It serves once, so whether a cookie comes back cannot be tried out with it: a tab whose
 * API is elsewhere has a handle at once, unless its session has shown that the cookie is kept.
 */
export async function showCode({ wants, challenge }: Challenge, code: string): Promise<void> {
  const cookie = session.state === 'in' ? proof === 'cookie' : SAME_ORIGIN
  await renewing
  const handle = cookie ? undefined : newHandle()
  const path = wants === 'code' ? '/api/auth/login/code' : '/api/auth/login/enable'
  goIn(await body<Renewed<User>>(await send(path, post({ challenge, code, handle }))), handle)
}

/** What makes codes, for whom has to set it up before getting in. */
export async function setUpAtLogin({ challenge }: Challenge): Promise<SetUp> {
  return body<SetUp>(await send('/api/auth/login/setup', post({ challenge })))
}

function goIn(begun: Renewed<User>, handle?: string): void {
  if (handle) {
    proof = 'handle'
    tabShelf.write([handle])
    keep(begun)
  }
  enter({ ...begun.user, session_expires_in: begun.session_expires_in })
}

/** Whether a cookie of an API that is elsewhere comes back: browsers may block it, partitioned or not. */
async function cookieIsKept(user: User): Promise<boolean> {
  const answer = await send('/api/auth/me', { method: 'GET' })
  return answer.ok && ((await answer.json()) as User).id === user.id
}

/** Ends it, here in any case and at the server if it can be reached. */
export async function logOut(): Promise<void> {
  try {
    await send('/api/auth/logout', post({}))
  } finally {
    forget('left')
  }
}

/** The server said that the session is over. */
export function sessionEnded(): void {
  if (session.state === 'in') forget('ended')
}

function forget(why: 'ended' | 'left'): void {
  token = undefined
  sessionEndsIn(undefined)
  if (!SAME_ORIGIN) tabShelf.write([])
  proof = 'cookie'
  become({ state: 'out', why })
}

function keep(begun: Renewed<User>): void {
  token = { value: begun.token, until: Date.now() + begun.expires_in * 1000 }
}

/** The bearer token for the next request; renewed a minute before its end, once for all who wait. */
export async function bearer(force = false): Promise<string | undefined> {
  if (proof === 'cookie') return undefined
  if (force || !token || token.until - Date.now() < 60_000) await freshToken(force)
  return token?.value
}

function freshToken(force: boolean): Promise<void> {
  if (!force && !token && session.state === 'out') return Promise.resolve()
  renewing ??= renewOnce().finally(() => {
    renewing = undefined
  })
  return renewing
}

async function renewOnce(): Promise<void> {
  // A server that does not answer at all must not cost a handle.
  if (tabShelf.read().length > 0) await send('/live', { method: 'GET' })
  const begun = await renew<User>(tabShelf, askToRenew)
  if (begun) {
    keep(begun)
    enter({ ...begun.user, session_expires_in: begun.session_expires_in })
  } else if (session.state === 'in') {
    forget('ended')
  }
}

async function askToRenew(handle: string, next: string): Promise<Answer<User>> {
  const answer = await send('/api/auth/refresh', post({ handle, next }))
  if (answer.ok) return { kind: 'renewed', session: (await answer.json()) as Renewed<User> }
  const refusal = await refused(answer)
  if (answer.status !== 401) throw refusal
  return { kind: refusal.code === 'handle_unknown' ? 'unknown' : 'ended' }
}

function post(content: object): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(content) }
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    const headers = new Headers(init.headers)
    if (token) headers.set('Authorization', `Bearer ${token.value}`)
    return await fetch(ORIGIN + path, {
      ...init,
      headers,
      credentials: credentials(),
      signal: AbortSignal.timeout(20_000),
    })
  } catch (error) {
    throw new Unreachable(error)
  }
}

async function body<T>(answer: Response): Promise<T> {
  if (!answer.ok) throw await refused(answer)
  return (await answer.json()) as T
}
