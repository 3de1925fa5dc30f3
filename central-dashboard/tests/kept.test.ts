import { beforeEach, expect, it, vi } from 'vitest'
import { keep, kept } from '../src/pages/login/kept'

const shelf = new Map<string, string>()
const proven = { email: 'lea@club.fr', challenge: { wants: 'code' as const, challenge: 'c1', until: 10_000 } }

beforeEach(() => {
  shelf.clear()
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => shelf.get(key) ?? null,
    setItem: (key: string, value: string) => void shelf.set(key, value),
    removeItem: (key: string) => void shelf.delete(key),
  })
})

it('takes up the step of a login that a reload has interrupted, as long as it is open', () => {
  expect(kept(0)).toBeUndefined()
  keep(proven)
  expect(kept(9_999)).toEqual(proven)
  expect(kept(10_000)).toBeUndefined()
  keep(undefined)
  expect(kept(0)).toBeUndefined()
  expect(shelf.size).toBe(0)
})

it('begins with the password where something else stands, or nothing can be kept', () => {
  for (const text of ['', 'null', '[]', '{"email":"a@b.fr"}', '{"email":1,"challenge":{}}', JSON.stringify({ ...proven, challenge: { ...proven.challenge, wants: 'more' } })]) {
    shelf.set('neopro.login', text)
    expect(kept(0), text).toBeUndefined()
  }
  const closed = () => {
    throw new Error('storage is off')
  }
  vi.stubGlobal('sessionStorage', { getItem: closed, setItem: closed, removeItem: closed })
  keep(proven)
  expect(kept(0)).toBeUndefined()
})
