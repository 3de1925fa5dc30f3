import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { bearer, currentUser, logIn, onSession } from '../src/api/session'

vi.mock('../src/api/origin', () => ({ ORIGIN: 'https://api.example', SAME_ORIGIN: false }))

const person = { id: 'p', email: 'p@club.fr', role: 'operator' }

let user: object = person
let tokens = 0

/** A server elsewhere, whose cookies this browser does not keep. */
function answer(path: string, user: object): Response {
  tokens += 1
  const token = { token: `t${tokens}`, expires_in: 600, user }
  if (path === '/api/auth/me') return Response.json({ code: 'unauthenticated' }, { status: 401 })
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
  vi.stubGlobal('fetch', (address: string) => Promise.resolve(answer(new URL(address).pathname, user)))
})

afterEach(() => {
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
