/** The live stream: one reader for the whole page, which keeps the cache true. Nothing is asked for again and again. */
import { hashKey, type QueryClient, type QueryKey } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import { forgetSite, onWatch, takeBeat, watchedSite } from './beats'
import { request } from './client'
import { merge, type Row, type Rows } from './merge'
import { currentSession, lookAgain } from './session'
import { readEvents, type StreamEvent } from './sse'
import { readAgain, readLater } from './stale'
import { greeted } from './versions'

export type Kind = 'sites' | 'deployments' | 'videos' | 'groups'

export interface Live {
  state: 'off' | 'live' | 'reconnecting' | 'down'
  /** How old what is on the screen is, when it is not live. */
  at: number
}

interface Changes {
  sites?: Row[]
  deployments?: Row[]
  videos?: (string | number)[]
  groups?: (string | number)[]
  stale?: Kind[]
}

/** The server sends a comment every 15 s: after more than twice that, the line is dead. */
const SILENCE = 35_000
const LONGEST = 30_000
/** After so many tries in a row the pill says it plainly. */
const TRIES = 4

let now: Live = { state: 'off', at: Date.now() }
const listeners = new Set<() => void>()

export function useLive(): Live {
  return useSyncExternalStore(onLive, () => now)
}

function onLive(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

function become(state: Live['state']): void {
  const at = state === 'live' || now.state === 'live' ? Date.now() : now.at
  if (state === now.state && state !== 'live') return
  now = { state, at }
  for (const tell of listeners) tell()
}

/** Listens until the returned function is called. */
export function listen(client: QueryClient): () => void {
  const stop = new AbortController()
  void keepListening(client, stop.signal)
  return () => {
    stop.abort()
    become('off')
  }
}

async function keepListening(client: QueryClient, stop: AbortSignal): Promise<void> {
  const flush = new Flush(client)
  const onVisible = () => flush.now()
  document.addEventListener('visibilitychange', onVisible)
  let failures = 0
  let before: AbortController | undefined
  while (!stop.aborted && currentSession().state === 'in') {
    const began = Date.now()
    const line = new AbortController()
    const old = before
    // The old line ends when the new one stands: nothing falls between them.
    const listening = listenOnce({ client, flush, stop, line, again: failures > 0, onHello: () => old?.abort() })
    const connected = await Promise.race([listening, otherSite(line.signal)])
    if (stop.aborted) break
    before = connected === 'other' ? line : undefined
    if (connected === 'other') continue
    if (document.hidden) {
      // Browsers allow six connections to a host: a tab that nobody looks at leaves its own to the others.
      become('reconnecting')
      await seenAgain(stop)
      failures = 1
      continue
    }
    failures = connected && Date.now() - began > 5000 ? 1 : failures + 1
    become(failures >= TRIES ? 'down' : 'reconnecting')
    await pause(Math.min(LONGEST, 500 * 2 ** failures) * (0.75 + Math.random() / 2), stop)
  }
  document.removeEventListener('visibilitychange', onVisible)
}

/** How long a tab may be hidden before its line is given up. */
const HIDDEN = 10_000

/** Calls when the tab was hidden for a while. */
function whenHidden(cut: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const look = () => {
    clearTimeout(timer)
    timer = document.hidden ? setTimeout(cut, HIDDEN) : undefined
  }
  look()
  document.addEventListener('visibilitychange', look)
  return () => {
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', look)
  }
}

/** Waits until the tab is looked at, or the listening ends. */
function seenAgain(stop: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const look = () => {
      if (document.hidden && !stop.aborted) return
      document.removeEventListener('visibilitychange', look)
      stop.removeEventListener('abort', look)
      done()
    }
    document.addEventListener('visibilitychange', look)
    stop.addEventListener('abort', look)
    look()
  })
}

/** Resolves when the heartbeats of another site are wanted, as long as the line is there. */
function otherSite(line: AbortSignal): Promise<'other'> {
  return new Promise((done) => {
    const off = onWatch(() => {
      off()
      done('other')
    })
    line.addEventListener('abort', off)
  })
}

interface Listening {
  client: QueryClient
  flush: Flush
  stop: AbortSignal
  line: AbortController
  again: boolean
  onHello: () => void
}

/** One connection, from its first byte to its end; whether there was one at all. */
async function listenOnce({ client, flush, stop, line, again, onHello }: Listening): Promise<boolean> {
  const cut = () => line.abort()
  stop.addEventListener('abort', cut)
  addEventListener('offline', cut)
  const seen = whenHidden(cut)
  let silence = setTimeout(cut, SILENCE)
  const alive = () => {
    clearTimeout(silence)
    silence = setTimeout(cut, SILENCE)
  }
  let connected = false
  try {
    const site = watchedSite()
    const address = site ? `/api/events?site=${encodeURIComponent(site)}` : '/api/events'
    const answer = await request(address, { headers: { Accept: 'text/event-stream' }, signal: line.signal })
    if (answer.status === 404 && site) forgetSite(site)
    if (!answer.ok || !answer.body) return false
    connected = true
    const hear = (event: StreamEvent) => {
      if (event.event === 'hello') onHello()
      take(event, client, flush, again)
    }
    await readEvents(answer.body, hear, alive)
  } catch {
    // The line is gone: the loop tries again, and the pill says so.
  } finally {
    clearTimeout(silence)
    stop.removeEventListener('abort', cut)
    removeEventListener('offline', cut)
    seen()
    line.abort()
  }
  return connected
}

function take(event: StreamEvent, client: QueryClient, flush: Flush, again: boolean): void {
  if (event.event === 'hello') {
    become('live')
    void greeted((JSON.parse(event.data) as { version?: unknown }).version, again)
    // What happened in between is not told again: what is on the screen is read anew.
    if (again) void client.invalidateQueries({ refetchType: 'active' })
  } else if (event.event === 'changes') {
    flush.add(JSON.parse(event.data) as Changes)
    become('live')
  } else if (event.event === 'heartbeat') {
    takeBeat(event.data)
  } else if (event.event === 'end') {
    // The one that opened this line. Its person may have begun another one since.
    void lookAgain()
  }
}

/** Collects changes and lays them into the cache: at most four times a second, and not at all while nobody looks. */
class Flush {
  readonly #rows: Record<'sites' | 'deployments', Rows> = { sites: new Map(), deployments: new Map() }
  readonly #stale = new Set<Kind>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(readonly client: QueryClient) {}

  add(changes: Changes): void {
    for (const kind of ['sites', 'deployments'] as const) {
      for (const row of changes[kind] ?? []) this.#rows[kind].set(String(row.id), row)
    }
    if (changes.videos?.length) this.#stale.add('videos')
    if (changes.groups?.length) this.#stale.add('groups')
    for (const kind of changes.stale ?? []) this.#stale.add(kind)
    this.#timer ??= setTimeout(() => this.now(), 250)
  }

  now(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (document.hidden) return
    for (const kind of ['sites', 'deployments'] as const) {
      if (this.#rows[kind].size > 0) patch(this.client, kind, this.#rows[kind])
      this.#rows[kind].clear()
    }
    for (const kind of this.#stale) readAgain(this.client, [kind])
    this.#stale.clear()
  }
}

/** Entries that are sums of rows: a changed row makes them untrue, whatever it is. */
const SUMS: Record<'sites' | 'deployments', string[]> = {
  sites: ['stats', 'facets', 'availability', 'inventory'],
  deployments: ['summary', 'causes', 'targets', 'of-site'],
}

/** Puts changed rows into every entry of their kind and marks sums as stale. */
export function patch(client: QueryClient, kind: 'sites' | 'deployments', rows: Rows): void {
  for (const query of client.getQueryCache().findAll({ queryKey: [kind] })) {
    const part = String(query.queryKey[1])
    if (SUMS[kind].includes(part)) {
      const about = query.queryKey[2]
      if (typeof about !== 'string' || rows.has(about) || part === 'of-site') {
        readLater(client, query.queryKey)
      }
      continue
    }
    const { next, changed } = merge(query.state.data, rows)
    if (changed > 0) client.setQueryData(query.queryKey, next, { updatedAt: query.state.dataUpdatedAt })
    if (part === 'list') drift.add(query.queryHash, changed || (isWhole(next) && changed < rows.size ? 1 : 0))
  }
}

/** Whether every row of the list is loaded: then one that is not in it may belong into it now. */
function isWhole(held: unknown): boolean {
  const list = held as { data?: unknown[]; total?: number; pages?: { data: unknown[]; total?: number }[] } | undefined
  const pages = list?.pages ?? (list?.data ? [{ data: list.data, total: list.total }] : [])
  const loaded = pages.reduce((sum, page) => sum + page.data.length, 0)
  return pages.length > 0 && loaded >= (pages[pages.length - 1]?.total ?? Infinity)
}

/** How many rows of a list changed since it was read: it may be ordered or filtered otherwise by now. */
class Drift {
  readonly #counts = new Map<string, number>()
  readonly #listeners = new Set<() => void>()

  add(hash: string, by: number): void {
    if (by === 0) return
    this.#counts.set(hash, (this.#counts.get(hash) ?? 0) + by)
    for (const tell of this.#listeners) tell()
  }

  clear(hash: string): void {
    if (!this.#counts.delete(hash)) return
    for (const tell of this.#listeners) tell()
  }

  of = (hash: string): number => this.#counts.get(hash) ?? 0

  listen = (tell: () => void): (() => void) => {
    this.#listeners.add(tell)
    return () => this.#listeners.delete(tell)
  }
}

export const drift = new Drift()

function pause(time: number, stop: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(finish, time)
    function finish() {
      clearTimeout(timer)
      stop.removeEventListener('abort', finish)
      window.removeEventListener('online', finish)
      done()
    }
    stop.addEventListener('abort', finish)
    window.addEventListener('online', finish)
  })
}

/** The changed rows of a list; counted anew whenever the list was really read. */
export function useDrift(queryKey: QueryKey, readAt: number): number {
  const hash = hashKey(queryKey)
  useEffect(() => drift.clear(hash), [hash, readAt])
  return useSyncExternalStore(drift.listen, () => drift.of(hash))
}
