import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Refused } from '../src/api/errors'
import { currentSession, goOn, logIn, logOut, setUpAtLogin, showCode, usesCookie } from '../src/api/session'

const place = vi.hoisted(() => ({ sameOrigin: true }))
vi.mock('../src/api/origin', () => ({
  ORIGIN: 'https://api.example',
  get SAME_ORIGIN() {
    return place.sameOrigin
  },
}))

const user = { id: 'p', email: 'p@club.fr', role: 'admin' }
const begun = { token: 't', expires_in: 600, session_expires_in: 604_800, user }

/** What was asked, with its body. */
let asked: { path: string; body: Record<string, unknown> }[] = []
let wants: 'requireMfa' | 'requireMfaSetup' = 'requireMfa'

/** A server that asks for a code after each password. */
function answer(path: string, body: Record<string, unknown>): Response {
  if (path === '/api/auth/login') return Response.json({ [wants]: true, challenge: 'c', expires_in: 300, message: '' })
  if (path === '/api/auth/login/setup') return Response.json({ qrCodeDataUrl: 'data:', manualEntryKey: 'K', backupCodes: [] })
  if (body['code'] === '000000') return Response.json({ code: 'code_wrong' }, { status: 401 })
  return Response.json(path.startsWith('/api/auth/login/') ? begun : {})
}

const kept = new Map<string, string>()

beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  wants = 'requireMfa'
  kept.clear()
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  })
  vi.stubGlobal('fetch', (address: string, init: RequestInit) => {
    const path = new URL(address).pathname
    const body = init.body ? (JSON.parse(String(init.body)) as Record<string, unknown>) : {}
    asked.push({ path, body })
    return Promise.resolve(answer(path, body))
  })
})

afterEach(async () => {
  await logOut()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const paths = () => asked.map(({ path }) => path)

describe('a login with a second factor', () => {
  it('begins nothing before the code, and knows until when it is waited for', async () => {
    place.sameOrigin = true
    const challenge = await logIn('p@club.fr', 'secret')
    expect(challenge).toEqual({ wants: 'code', challenge: 'c', until: Date.now() + 300_000 })
    expect(currentSession().state).not.toBe('in')
    await showCode(challenge!, '123456')
    expect(currentSession()).toEqual({ state: 'in', user })
    expect(asked[1]).toEqual({ path: '/api/auth/login/code', body: { challenge: 'c', code: '123456' } })
    expect(usesCookie()).toBe(true)
  })

  it('goes on after a wrong code', async () => {
    place.sameOrigin = true
    const challenge = await logIn('p@club.fr', 'secret')
    await expect(showCode(challenge!, '000000')).rejects.toBeInstanceOf(Refused)
    expect(currentSession().state).not.toBe('in')
    await showCode(challenge!, '123456')
    expect(currentSession().state).toBe('in')
  })

  it('shows the code once where the API is elsewhere: with a handle, whatever becomes of cookies', async () => {
    place.sameOrigin = false
    const challenge = await logIn('p@club.fr', 'secret')
    await expect(showCode(challenge!, '000000')).rejects.toBeInstanceOf(Refused)
    expect(kept.has('neopro.session')).toBe(false)
    await showCode(challenge!, '123456')
    expect(paths()).toEqual(['/api/auth/login', '/api/auth/login/code', '/api/auth/login/code'])
    expect(asked[0]?.body).not.toHaveProperty('handle')
    expect(kept.get('neopro.session')).toBe(asked[2]?.body['handle'])
    expect(usesCookie()).toBe(false)
  })

  it('asks for a code to go on as well, and keeps the old session until it is there', async () => {
    place.sameOrigin = false
    await showCode((await logIn('p@club.fr', 'secret'))!, '123456')
    const before = kept.get('neopro.session')
    const challenge = await goOn('secret')
    expect(challenge?.wants).toBe('code')
    expect(kept.get('neopro.session')).toBe(before)
    await expect(showCode(challenge!, '000000')).rejects.toBeInstanceOf(Refused)
    expect(currentSession().state).toBe('in')
    await showCode(challenge!, '123456')
    expect(kept.get('neopro.session')).not.toBe(before)
  })

  it('sets one up before it lets in who has to have one', async () => {
    place.sameOrigin = true
    wants = 'requireMfaSetup'
    const challenge = await logIn('p@club.fr', 'secret')
    expect(challenge?.wants).toBe('setup')
    expect((await setUpAtLogin(challenge!)).manualEntryKey).toBe('K')
    await showCode(challenge!, '123456')
    expect(paths()).toEqual(['/api/auth/login', '/api/auth/login/setup', '/api/auth/login/enable'])
    expect(currentSession().state).toBe('in')
  })
})
