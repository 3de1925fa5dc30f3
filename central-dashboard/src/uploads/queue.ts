/**
 * The queue: looks at one file at a time, sends two, tries again when the line was lost. It lives as long as the tab,
 * whichever page is open.
 */
import { Refused } from '~/api/errors'
import { act, get } from '~/api/client'
import { currentSession, currentUser, onSession } from '~/api/session'
import type { Paged, Video } from '~/api/types'
import { FileGone, hashOf } from './hash'
import { mostBytes } from './most'
import { all, change, find, isOpen, replace, type Upload } from './store'
import { titleOf } from './title'
import { mayPass, send, type Labels, type Sent } from './transport'
import { forget } from './unfinished'

const LANES = 2
/** Seconds before each try of its own; afterwards a person decides. */
const PAUSES = [1, 2, 5, 10, 20, 30, 30, 30]

let last = 0
/** Whose files these are. */
let owner: string | undefined
let onChange: () => void = () => undefined
const stops = new Map<number, AbortController>()
const sentWhole = new Set<number>()

/** Called whenever the library has changed through an upload. */
export function whenLibraryChanges(run: () => void): void {
  onChange = run
}

/** Takes files in; they start by themselves. */
export function add(files: readonly File[], labels: Partial<Labels> = {}): void {
  owner = currentUser()?.id
  const fresh = files.map((file): Upload => {
    last += 1
    return {
      id: last,
      file,
      labels: { title: titleOf(file.name), category: labels.category ?? '', subcategory: labels.subcategory ?? '' },
      phase: 'queued',
      bytes: 0,
      rate: undefined,
      tries: 0,
      retryAt: undefined,
      resumes: false,
      sha256: undefined,
      video: undefined,
      problem: undefined,
      picture: 'none',
      ...tooBadToSend(file),
    }
  })
  replace([...all(), ...fresh])
  next()
}

function tooBadToSend(file: File): Partial<Upload> {
  if (file.size > mostBytes()) return { phase: 'refused', problem: 'uploads.too_large' }
  return file.size === 0 ? { phase: 'refused', problem: 'uploads.empty_file' } : {}
}

/** Stops it, whatever it does, and forgets it. */
export function cancel(id: number): void {
  stops.get(id)?.abort(new DOMException('cancelled', 'AbortError'))
  stops.delete(id)
  sentWhole.delete(id)
  const sha256 = find(id)?.sha256
  if (sha256) forget(sha256)
  replace(all().filter((one) => one.id !== id))
  next()
}

/** Begins again by hand, at once. */
export function retry(id: number): void {
  change(id, { phase: find(id)?.sha256 ? 'ready' : 'queued', tries: 0, retryAt: undefined, problem: undefined, bytes: 0 })
  next()
}

/** Forgets what needs nobody any more. */
export function clearEnded(): void {
  replace(all().filter(isOpen))
}

/** Another title or category: before the file leaves, on its way, or when it is there. */
export async function relabel(id: number, labels: Labels): Promise<void> {
  const one = find(id)
  change(id, { labels })
  if (one?.phase === 'done' && one.video) await putLabels(id, one.video.id, labels)
}

async function putLabels(id: number, video: string, labels: Labels): Promise<void> {
  const changed = await act<Video>('PUT', `/api/videos/${video}`, { ...labels })
  change(id, { video: { id: video, title: changed.title } })
  onChange()
}

/** Gives free lanes their work. */
function next(): void {
  if (currentSession().state !== 'in') return
  const busy = (...phases: Upload['phase'][]) => all().filter((one) => phases.includes(one.phase)).length
  const queued = all().find((one) => one.phase === 'queued')
  if (queued && busy('hashing') === 0) void look(queued)
  for (let free = LANES - busy('sending', 'checking'); free > 0; free -= 1) {
    const ready = all().find((one) => one.phase === 'ready')
    if (!ready) break
    void transfer(ready)
  }
}

function stopOf(id: number): AbortSignal {
  const stop = new AbortController()
  stops.set(id, stop)
  return stop.signal
}

/** Finds a file that the library has before a byte of it leaves. */
async function look({ id, file }: Upload): Promise<void> {
  const stop = stopOf(id)
  change(id, { phase: 'hashing', bytes: 0 })
  try {
    const sha256 = await hashOf(file, (bytes) => change(id, { bytes }), stop)
    const twin = all().find((one) => one.id !== id && one.sha256 === sha256 && one.phase !== 'refused')
    const there = sha256 && !twin ? await inLibrary(sha256, stop) : undefined
    if (twin && sha256) change(id, { phase: 'duplicate', video: twin.video, problem: 'uploads.twin' })
    else if (there) change(id, { phase: 'duplicate', sha256, video: there })
    else change(id, { phase: 'ready', sha256, bytes: 0 })
  } catch (error) {
    if (stop.aborted) return
    if (error instanceof FileGone) change(id, { phase: 'refused', problem: 'uploads.unreadable' })
    // The question got no answer; the server finds the same when the file arrives.
    else change(id, { phase: 'ready', bytes: 0 })
  }
  next()
}

async function inLibrary(sha256: string, stop: AbortSignal) {
  const found = await get<Paged<Video>>('/api/videos', { sha256, page: 1, limit: 1 }, stop)
  const same = found.data.find((video) => video.checksum === sha256)
  return same ? { id: String(same.id), title: same.title } : undefined
}

async function transfer({ id, file }: Upload): Promise<void> {
  const stop = stopOf(id)
  const { labels, sha256 } = find(id) ?? { labels: { title: '', category: '', subcategory: '' }, sha256: undefined }
  const meter = new Meter(id, file.size)
  // A try that goes on does not fall back to nothing while it asks where.
  const bytes = find(id)?.resumes ? (find(id)?.bytes ?? 0) : 0
  change(id, { phase: 'sending', bytes, rate: undefined, problem: undefined, retryAt: undefined, resumes: false })
  next()
  try {
    const resumes = (does: boolean) => change(id, { resumes: does })
    arrived(id, file, await send({ file, labels, sha256, stop, sent: meter.sent, resumes }))
  } catch (error) {
    if (!stop.aborted) failed(id, error)
  }
  next()
}

/** Tells of the bytes a few times a second, and of their speed. */
class Meter {
  /** Where it began: bytes that were there before were not sent now. */
  #began: { at: number; bytes: number } | undefined
  #told = 0

  constructor(
    readonly id: number,
    readonly size: number,
  ) {}

  sent = (bytes: number): void => {
    const now = performance.now()
    this.#began ??= { at: now, bytes }
    const whole = bytes >= this.size
    if (whole) sentWhole.add(this.id)
    if (!whole && now - this.#told < 150) return
    this.#told = now
    const seconds = (now - this.#began.at) / 1000
    const rate = seconds > 1 ? (bytes - this.#began.bytes) / seconds : undefined
    change(this.id, { bytes, rate: rate && rate > 0 ? rate : undefined, phase: whole ? 'checking' : 'sending' })
  }
}

function arrived(id: number, file: File, { video: kept, labels: sent }: Sent): void {
  const now = find(id)?.labels ?? sent
  change(id, { phase: 'done', bytes: file.size, video: { id: String(kept.id), title: kept.title }, problem: undefined })
  onChange()
  // A file that was begun before a reload may have been told under another title.
  if (now.title !== sent.title || now.category !== sent.category || now.subcategory !== sent.subcategory) {
    putLabels(id, String(kept.id), now).catch((error: unknown) => change(id, { problem: error }))
  }
  pictures = pictures.then(() => picture(id, String(kept.id), file, kept.mime_type))
}

/** One after the other: a browser has few decoders. */
let pictures: Promise<void> = Promise.resolve()

/** The video is there in any case; its picture can be made later. */
async function picture(id: number, video: string, file: Blob, mime: string): Promise<void> {
  change(id, { picture: 'making' })
  try {
    const { giveThumbnail } = await import('./thumbnail')
    await giveThumbnail(video, file, mime)
    change(id, { picture: 'made' })
    onChange()
  } catch {
    change(id, { picture: 'failed' })
  }
}

function failed(id: number, error: unknown): void {
  const one = find(id)
  if (!one) return
  if (error instanceof Refused && error.code === 'duplicate') return found(one, error)
  if (!mayPass(error)) {
    change(id, { phase: 'refused', problem: error })
    return
  }
  const pause = PAUSES[one.tries]
  if (pause === undefined) {
    change(id, { phase: 'interrupted', problem: error })
    return
  }
  const seconds = Math.max(pause, (error instanceof Refused && error.body.retryAfter) || 0)
  change(id, { phase: 'waiting', problem: error, tries: one.tries + 1, retryAt: Date.now() + seconds * 1000 })
  setTimeout(() => wake(id), seconds * 1000)
}

/** The bytes are there. If all of ours had left before the line was lost, they are ours. */
function found(one: Upload, error: Refused): void {
  const existing = error.body.details?.find((detail) => detail.field === 'existing_id')?.message
  const video = existing ? { id: existing, title: one.labels.title } : undefined
  if (existing && sentWhole.has(one.id) && one.tries > 0) {
    const kept = { id: existing, title: one.labels.title, public_url: '', mime_type: one.file.type }
    arrived(one.id, one.file, { video: kept, labels: one.labels })
    return
  }
  change(one.id, { phase: 'duplicate', video })
}

function wake(id: number): void {
  const one = find(id)
  if (one?.phase !== 'waiting' || (one.retryAt ?? 0) > Date.now() + 50) return
  change(id, { phase: 'ready' })
  next()
}

/** With the network back, nobody waits any longer. */
addEventListener('online', () => {
  for (const one of all()) {
    if (one.phase !== 'waiting' && one.phase !== 'interrupted') continue
    change(one.id, { phase: 'ready', retryAt: undefined })
  }
  next()
})

/** The browser asks before it closes what is not at its end. */
addEventListener('beforeunload', (event) => {
  if (all().some(isOpen)) event.preventDefault()
})

/**
 * After a logout nothing is left. If the session ended by itself, the files wait for the same account to come back;
 * another account must not find them.
 */
onSession(() => {
  const session = currentSession()
  if (session.state === 'in') {
    if (owner !== undefined && owner !== session.user.id) replace([])
    else for (const one of all()) if (one.phase === 'interrupted') retry(one.id)
  } else if (session.state === 'out' && all().length > 0) {
    for (const one of all()) stops.get(one.id)?.abort(new DOMException('no session', 'AbortError'))
    if (session.why === 'ended') replace(all().map((one) => (isOpen(one) ? { ...one, phase: 'interrupted', bytes: 0 } : one)))
    else replace([])
  }
})
