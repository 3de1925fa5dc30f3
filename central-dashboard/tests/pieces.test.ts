import { beforeEach, expect, test, vi } from 'vitest'
import { Unreachable } from '../src/api/errors'

vi.stubGlobal('addEventListener', () => undefined)
vi.mock('../src/api/session', () => ({ currentUser: () => ({ id: user }) }))
vi.mock('../src/api/client', () => ({}))
vi.mock('../src/api/origin', () => ({ ORIGIN: '' }))

let user = 'lea'
const shelf: Record<string, string> = {}
const { beside, settle } = await import('../src/uploads/pieces')
const { forget, forgetAll, keep, recall } = await import('../src/uploads/unfinished')
const { mayPass, refusalOf } = await import('../src/uploads/transport')

const now = Date.parse('2026-01-15T12:00:00Z')
const resumable = { url: 'https://a.supabase.co/storage/v1/upload/resumable/sign', signature: 's', bucket: 'videos', object: 'uploads/a.mp4', piece_bytes: 6 * 1024 * 1024 }
const address = { id: 'u1', url: 'https://a.supabase.co/x', media_type: 'video/mp4', cache_control: 'max-age=31536000', expires_at: '2026-01-15T14:00:00Z', resumable }
const begun = { size: 100, labels: { title: 'Finale', category: '', subcategory: '' }, address, at: `${resumable.url}/abc` }

beforeEach(() => {
  user = 'lea'
  for (const key of Object.keys(shelf)) delete shelf[key]
  const methods = {
    getItem: (key: string) => shelf[key] ?? null,
    setItem: (key: string, value: string) => void (shelf[key] = value),
    removeItem: (key: string) => void delete shelf[key],
  }
  vi.stubGlobal('sessionStorage', new Proxy(methods, { ownKeys: () => Object.keys(shelf), getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) }))
})

test('the same file of the same account goes on as long as its address takes something', () => {
  keep('hash', begun)
  expect(recall('hash', 100, now)).toMatchObject(begun)
  expect(recall('hash', 100, now + 2 * 3_600_000 - 61_000)).toBeDefined()
  expect(recall('hash', 100, now + 2 * 3_600_000 - 60_000)).toBeUndefined()
  expect(recall('hash', 101, now)).toBeUndefined()
  expect(recall('other', 100, now)).toBeUndefined()
  user = 'max'
  expect(recall('hash', 100, now)).toBeUndefined()
})

test('nothing of it is left when it is there, after a logout, or where something else stands', () => {
  keep('one', begun)
  keep('two', begun)
  shelf['neopro.theme'] = 'dark'
  forget('one')
  expect(recall('one', 100, now)).toBeUndefined()
  expect(recall('two', 100, now)).toBeDefined()
  forgetAll()
  expect(shelf).toEqual({ 'neopro.theme': 'dark' })
  for (const text of ['', 'null', '{', '"x"']) {
    shelf['neopro.unfinished.hash'] = text
    expect(recall('hash', 100, now), text).toBeUndefined()
  }
})

test.each([
  'https://a.supabase.co/storage/v1/upload/resumable/sign/abc',
  'http://storage:5000/upload/resumable/sign/abc/',
  '/upload/resumable/sign/abc?x=1',
])('an upload is where it was begun, whatever its storage calls itself: %s', (location) => {
  expect(beside(resumable.url, location)).toBe(`${resumable.url}/abc`)
})

function answer(method: string, status: number | undefined, body = '') {
  const response = status === undefined ? null : { getStatus: () => status, getBody: () => body }
  return { originalRequest: { getMethod: () => method }, originalResponse: response } as Parameters<typeof settle>[0]
}

test('what the storage says of a piece decides what comes next', () => {
  expect(settle(answer('POST', 404))).toBe('unknown')
  expect(settle(answer('POST', 405))).toBe('unknown')
  expect(settle(answer('POST', undefined))).toBe('unknown')
  expect(settle(answer('HEAD', 404))).toBe('gone')
  expect(settle(answer('HEAD', 410))).toBe('gone')
  expect(settle(answer('PATCH', 404))).toBe('gone')
  expect(settle(answer('PATCH', 409, 'The resource already exists'))).toBe('sent')
  expect(() => settle(answer('PATCH', undefined))).toThrow(Unreachable)
  for (const [status, code, again] of [
    [409, 'storage_away', true],
    [423, 'storage_away', true],
    [429, 'storage_away', true],
    [502, 'storage_away', true],
    [400, 'storage_refused', false],
    [403, 'storage_refused', false],
    [402, 'storage_full', false],
    [413, 'storage_too_large', false],
  ] as const) {
    const refused = refusalOf(Number(settle(answer('PATCH', status, 'words'))))
    expect([refused.code, mayPass(refused)], String(status)).toEqual([code, again])
  }
})

test('an address that has expired is a reason to press again, a file that is too large is not', () => {
  // A press is offered for whatever is not 400, 413 or 415.
  expect(refusalOf(400).status).toBe(502)
  expect(refusalOf(413).status).toBe(413)
})
