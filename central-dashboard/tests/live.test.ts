import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { drift, patch } from '../src/api/live'
import { merge, type Rows } from '../src/api/merge'
import { readAgain } from '../src/api/stale'
import { parse, readEvents, type StreamEvent } from '../src/api/sse'

const rows = (...list: { id: string | number; [name: string]: unknown }[]): Rows =>
  new Map(list.map((row) => [String(row.id), row]))

describe('changed rows', () => {
  it('go into their places, and the others stay the same objects', () => {
    const held = { data: [{ id: 'a', n: 1 }, { id: 'b', n: 1 }, { id: 'c', n: 1 }], pagination: { total: 3 } }
    const { next, changed } = merge(held, rows({ id: 'b', n: 2 }))
    expect(changed).toBe(1)
    expect(next).toEqual({ data: [{ id: 'a', n: 1 }, { id: 'b', n: 2 }, { id: 'c', n: 1 }], pagination: { total: 3 } })
    expect((next as typeof held).data[0]).toBe(held.data[0])
  })

  it('go into plain lists, single rows and endless lists', () => {
    expect(merge([{ id: 1, n: 1 }], rows({ id: 1, n: 2 })).next).toEqual([{ id: 1, n: 2 }])
    expect(merge({ id: 'a', n: 1, more: true }, rows({ id: 'a', n: 2 })).next).toEqual({ id: 'a', n: 2, more: true })
    const endless = { pages: [{ data: [{ id: 'a', n: 1 }] }, { data: [{ id: 'b', n: 1 }] }], pageParams: [1, 2] }
    expect(merge(endless, rows({ id: 'b', n: 2 }))).toEqual({
      changed: 1,
      next: { pages: [{ data: [{ id: 'a', n: 1 }] }, { data: [{ id: 'b', n: 2 }] }], pageParams: [1, 2] },
    })
  })

  it('leave what has nothing to do with them as it is', () => {
    for (const held of [undefined, null, 3, 'x', { total: 3 }, { data: [{ id: 'a' }] }]) {
      expect(merge(held, rows({ id: 'z' }))).toEqual({ next: held, changed: 0 })
      expect(merge(held, rows({ id: 'z' })).next).toBe(held)
    }
  })
})

describe('the cache', () => {
  it('takes changed rows without becoming younger, counts them, and reads sums anew', () => {
    vi.useFakeTimers()
    const client = new QueryClient()
    const list = ['sites', 'list', {}]
    client.setQueryData(list, { data: [{ id: 'a', n: 1 }] }, { updatedAt: 1000 })
    client.setQueryData(['sites', 'stats'], { total_sites: 1 })
    client.setQueryData(['sites', 'inventory', 'a'], {})
    client.setQueryData(['sites', 'inventory', 'b'], {})
    client.setQueryData(['videos', 'one', 'a'], { id: 'a', n: 1 })
    patch(client, 'sites', rows({ id: 'a', n: 2 }))
    const query = client.getQueryCache().find({ queryKey: list })
    expect(query?.state.data).toEqual({ data: [{ id: 'a', n: 2 }] })
    expect(query?.state.dataUpdatedAt).toBe(1000)
    expect(drift.of(query?.queryHash ?? '')).toBe(1)
    expect(client.getQueryData(['videos', 'one', 'a'])).toEqual({ id: 'a', n: 1 })
    const stale = (key: unknown[]) => client.getQueryState(key)?.isInvalidated
    expect(stale(['sites', 'stats'])).toBe(false)
    vi.advanceTimersByTime(2100)
    expect(stale(['sites', 'stats'])).toBe(true)
    expect(stale(['sites', 'inventory', 'a'])).toBe(true)
    expect(stale(['sites', 'inventory', 'b'])).toBe(false)
    vi.useRealTimers()
  })
})

describe('what is slow to read', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('comes, however often something changes meanwhile, and is read once more for that', async () => {
    const client = new QueryClient()
    let reads = 0
    const read = () => new Promise((done) => setTimeout(() => done({ total_sites: (reads += 1) }), 5000))
    const observed = new QueryObserver(client, { queryKey: ['sites', 'stats'], queryFn: read })
    const off = observed.subscribe(() => undefined)
    for (let second = 0; second < 6; second += 1) {
      patch(client, 'sites', rows({ id: 'a' }))
      readAgain(client, ['sites'])
      await vi.advanceTimersByTimeAsync(1000)
    }
    expect(observed.getCurrentResult().data).toEqual({ total_sites: 1 })
    await vi.advanceTimersByTimeAsync(8000)
    expect(observed.getCurrentResult().data).toEqual({ total_sites: 2 })
    off()
  })

  it('says that it failed, and goes on saying it', async () => {
    const client = new QueryClient({ defaultOptions: { queries: { retry: 1, retryDelay: 3000 } } })
    let tries = 0
    const refuse = () => Promise.reject(new Error(`try ${(tries += 1)}`))
    const observed = new QueryObserver(client, { queryKey: ['sites', 'stats'], queryFn: refuse })
    const off = observed.subscribe(() => undefined)
    const seconds = async (count: number) => {
      for (let second = 0; second < count; second += 1) {
        patch(client, 'sites', rows({ id: 'a' }))
        await vi.advanceTimersByTimeAsync(1000)
      }
    }
    await seconds(10)
    expect([observed.getCurrentResult().status, tries]).toEqual(['error', 2])
    await seconds(10)
    expect([observed.getCurrentResult().status, tries]).toEqual(['error', 2])
    off()
  })
})

describe('the stream', () => {
  it('reads events that come in pieces, and takes comments for signs of life', async () => {
    const pieces = ['event: hel', 'lo\r\ndata: {"at":1}\r\n', '\r\n: beat\n\n', 'event: changes\ndata: {"a":\ndata: 2}\n\nda']
    const encoder = new TextEncoder()
    const body = new ReadableStream<Uint8Array>({
      start(out) {
        for (const piece of pieces) out.enqueue(encoder.encode(piece))
        out.close()
      },
    })
    const events: StreamEvent[] = []
    let alive = 0
    await readEvents(body, (event) => events.push(event), () => (alive += 1))
    expect(events).toEqual([
      { event: 'hello', data: '{"at":1}' },
      { event: 'changes', data: '{"a":\n2}' },
    ])
    expect(alive).toBeGreaterThanOrEqual(4)
  })

  it('knows a comment', () => {
    expect(parse(': beat')).toBeNull()
    expect(parse('data:x')).toEqual({ event: 'message', data: 'x' })
  })
})
