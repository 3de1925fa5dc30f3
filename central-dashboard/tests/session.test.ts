import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { bearer, currentSession, currentUser, goOn, logIn, logOut, lookAgain, onSession } from '../src/api/session'
import { beforeEnd, sessionEnd } from '../src/api/session-end'

vi.mock('../src/api/origin', () => ({ ORIGIN: 'https://api.example', SAME_ORIGIN: false }))

const person = { id: 'p', email: 'p@club.fr', role: 'operator' }

let user: object = person
let tokens = 0
let left = 604_800

/** A server elsewhere, whose cookies this browser does not keep. */
function answer(path: string, init: RequestInit, user: object): Response {
  tokens += 1
  const token = { token: `t${tokens}`, expires_in: 600, session_expires_in: left, user }
  const refusal = Response.json({ code: 'unauthenticated' }, { status: 401 })
  if (path === '/api/auth/me') return new Headers(init.headers).has('Authorization') ? Response.json({ ...user, session_expires_in: left }) : refusal
  if (path === '/api/auth/login' && String(init.body).includes('wrong')) return refusal
  return Response.json(path.startsWith('/api/auth/') ? token : {})
}

beforeEach(() => {
  vi.useFakeTimers()
  const kept = new Map<string, string>()
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  })
  vi.stubGlobal('fetch', (address: string, init: RequestInit) => Promise.resolve(answer(new URL(address).pathname, init, user)))
})

afterEach(async () => {
  await logOut()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

it('goes on without anybody noticing when its token is renewed, and says it when the account has changed', async () => {
  await logIn('p@club.fr', 'secret')
  const told = vi.fn()
  onSession(told)
  const first = await bearer()
  vi.advanceTimersByTime(570_000)
  expect(await bearer()).not.toBe(first)
  expect(told).not.toHaveBeenCalled()
  user = { ...person, role: 'viewer' }
  vi.advanceTimersByTime(570_000)
  await bearer()
  expect(told).toHaveBeenCalledTimes(1)
  expect(currentUser()?.role).toBe('viewer')
})

it('is told two minutes before its end, and goes on with the password', async () => {
  left = 3600
  await logIn('p@club.fr', 'secret')
  const [told, late] = [vi.fn(), vi.fn()]
  beforeEnd(sessionEnd() ?? 0, told)
  beforeEnd(sessionEnd() ?? 0, late)()
  await vi.advanceTimersByTimeAsync(3_479_000)
  expect(told).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told).toHaveBeenCalledTimes(1)
  expect(late).not.toHaveBeenCalled()

  // What the server says meanwhile is the same end, not another one to be told of.
  const end = sessionEnd()
  left = 120
  await lookAgain()
  expect(sessionEnd()).toBe(end)

  await expect(goOn('wrong')).rejects.toThrow()
  expect(currentSession().state).toBe('in')
  const before = await bearer()
  left = 3600
  await goOn('secret')
  expect(sessionEnd()).toBe(Date.now() + 3_600_000)
  expect(await bearer()).not.toBe(before)
})
