/** Sends one file with its texts. `fetch` tells nothing of bytes that leave; XMLHttpRequest does. */
import { act } from '~/api/client'
import { Refused, Unreachable, type ErrorBody } from '~/api/errors'
import { ORIGIN } from '~/api/origin'
import { bearer, sessionEnded, usesCookie } from '~/api/session'
import type { components } from '~/api/schema'
import type { Video } from '~/api/types'
import { recall, type Address } from './unfinished'

export interface Labels {
  title: string
  category: string
  subcategory: string
}

export interface Sending {
  file: File
  labels: Labels
  /** What the server compares the arrived file with, where this browser could compute it. */
  sha256: string | undefined
  /** Called with the bytes that have left, 0 to the file's size. */
  sent: (bytes: number) => void
  /** Called when another try would go on where this one is, and when it would not. */
  resumes: (does: boolean) => void
  stop: AbortSignal
}

export type Kept = Pick<Video, 'id' | 'title' | 'public_url' | 'mime_type'>

/** What the part that sends pieces needs of this one; it must not load it again. */
export interface Ways {
  done: (id: string, stop: AbortSignal) => Promise<Kept>
  whole: (sending: Sending, address: Address) => Promise<void>
  refusal: (status: number) => Refused
  mayPass: (error: unknown) => boolean
  /** Milliseconds without a byte after which a line is dead: on the way, and when all has left. */
  silence: number
  checking: number
}

/** The video, and what the server was told of it. */
export interface Sent {
  video: Kept
  labels: Labels
}

/** So long without a byte, and the line is dead. At the end the server reads the file once more. */
const SILENCE = 45_000
const CHECKING = 180_000

/** Looked at again and again for so long at most: the server reads a large file once more to check it. */
const ASKED_FOR = 10 * 60_000
const ASKED_EVERY = 1_000
/** The first bytes say what a file is. */
const HEAD = 512

type Way = Omit<components['schemas']['Way'], 'address'> & { address?: Address | null }

/**
 * The video as the server keeps it. Its bytes go straight into the storage where there is one outside, else through the
 * server. A large file goes piece by piece where the storage offers that, and on where an earlier try has ended.
 *
 * Throws `Refused` with the server's words, `Unreachable` when the line is gone, and the reason of `stop`.
 */
export async function send(sending: Sending): Promise<Sent> {
  const { file, labels, sha256, stop } = sending
  // What has no hash cannot be told from another file of its name.
  const before = sha256 === undefined ? undefined : recall(sha256, file.size)
  const address = before?.address ?? (await announce(sending)).address
  if (!address) return { video: await throughServer(sending), labels }
  stop.throwIfAborted()
  // A dashboard that was published anew has no such part any more, and the file can go as a whole.
  const part = address.resumable && sha256 ? await import('./pieces').catch(() => undefined) : undefined
  if (part) return part.goOn(sending, before ?? { size: file.size, labels, address }, WAYS)
  await intoStorage(sending, address)
  return { video: await done(address.id, stop), labels }
}

async function announce({ file, labels, sha256 }: Sending): Promise<Way> {
  const head = new Uint8Array(await file.slice(0, HEAD).arrayBuffer())
  const said = { name: file.name, size: file.size, head: btoa(String.fromCharCode(...head)) }
  return act<Way>('POST', '/api/videos/uploads', { ...said, ...(sha256 ? { sha256 } : {}), ...labels })
}

/** The server reads the file as a box would; as long as that takes, it says so. */
async function done(id: string, stop: AbortSignal): Promise<Kept> {
  const until = Date.now() + ASKED_FOR
  for (;;) {
    const answer = await act<Kept | { state: 'checking' }>('POST', `/api/videos/uploads/${id}/done`)
    stop.throwIfAborted()
    if (!('state' in answer)) return answer
    if (Date.now() > until) throw new Unreachable('still checking')
    await new Promise((resolve) => setTimeout(resolve, ASKED_EVERY))
  }
}

/** A `PUT` to an address that the server has had signed. No session goes along: the address is enough. */
async function intoStorage(sending: Sending, { url, media_type, cache_control }: Address): Promise<void> {
  await exchange(sending, (xhr) => {
    xhr.open('PUT', url)
    xhr.setRequestHeader('Content-Type', media_type)
    xhr.setRequestHeader('Cache-Control', cache_control)
    return sending.file
  }, settleStored)
}

async function throughServer(sending: Sending): Promise<Kept> {
  const once = (token: string | undefined) =>
    exchange<Kept>(sending, (xhr) => {
      xhr.open('POST', `${ORIGIN}/api/videos`)
      xhr.withCredentials = usesCookie()
      xhr.setRequestHeader('Accept', 'application/json')
      if (token) xhr.setRequestHeader('Authorization', `Bearer ${token}`)
      return form(sending.file, sending.labels)
    }, settle)
  try {
    return await once(await bearer())
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error
    if (usesCookie()) {
      sessionEnded()
      throw error
    }
    return await once(await bearer(true))
  }
}

type Settle<T> = (xhr: XMLHttpRequest, resolve: (done: T) => void, reject: (error: Error) => void) => void

function exchange<T>(
  { file, sent, stop }: Sending,
  open: (xhr: XMLHttpRequest) => XMLHttpRequestBodyInit,
  settled: Settle<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    let watch = setTimeout(dead, SILENCE)
    function dead() {
      xhr.abort()
      finish(() => reject(new Unreachable('silence')))
    }
    const alive = (patience: number) => {
      clearTimeout(watch)
      watch = setTimeout(dead, patience)
    }
    const abort = () => {
      xhr.abort()
      finish(() => reject(stop.reason as Error))
    }
    const finish = (run: () => void) => {
      clearTimeout(watch)
      stop.removeEventListener('abort', abort)
      run()
    }
    stop.addEventListener('abort', abort)
    xhr.upload.onprogress = (event) => {
      const whole = event.loaded >= event.total
      alive(whole ? CHECKING : SILENCE)
      sent(whole ? file.size : Math.min(file.size, event.loaded))
    }
    xhr.onload = () => finish(() => settled(xhr, resolve, reject))
    xhr.onerror = () => finish(() => reject(new Unreachable('network')))
    xhr.send(open(xhr))
  })
}

function form(file: File, labels: Labels): FormData {
  const form = new FormData()
  // Texts first: who reads the form has them before the bytes.
  if (labels.title) form.set('title', labels.title)
  if (labels.category) form.set('category', labels.category)
  if (labels.subcategory) form.set('subcategory', labels.subcategory)
  form.set('video', file, file.name)
  return form
}

function settle(xhr: XMLHttpRequest, resolve: (kept: Kept) => void, reject: (error: Error) => void): void {
  let body: unknown
  try {
    body = JSON.parse(xhr.responseText)
  } catch {
    // A proxy's page: the status has to do.
    body = {}
  }
  if (xhr.status >= 200 && xhr.status < 300) {
    resolve(body as Kept)
    return
  }
  const said = body as Partial<ErrorBody>
  const after = Number(xhr.getResponseHeader('Retry-After'))
  if (said.retryAfter == null && after > 0) said.retryAfter = after
  reject(new Refused(xhr.status, said))
}

/** What Supabase's storage says: HTTP 400 for nearly everything, and the truth in the body. */
function settleStored(xhr: XMLHttpRequest, resolve: (done: void) => void, reject: (error: Error) => void): void {
  if (xhr.status >= 200 && xhr.status < 300) {
    resolve()
    return
  }
  let said: { code?: string; statusCode?: string } = {}
  try {
    said = JSON.parse(xhr.responseText) as typeof said
  } catch {
    // A gateway's page.
  }
  const status = Number(said.statusCode) || xhr.status
  // The name is new, so what is there is ours: an earlier try whose answer was lost.
  if (said.code === 'KeyAlreadyExists' || status === 409) resolve()
  else reject(refusalOf(said.code === 'EntityTooLarge' ? 413 : status))
}

/** What a refusal of the storage means, whichever way the file went. */
export function refusalOf(status: number): Refused {
  if (status === 413) return new Refused(413, { code: 'storage_too_large' })
  if (status === 402) return new Refused(507, { code: 'storage_full' })
  if (status >= 500 || status === 429) return new Refused(503, { code: 'storage_away' })
  // Not as it says it: its 400 is an address that has expired, and not a file that will never do.
  return new Refused(502, { code: 'storage_refused' })
}

/** Whether the same may go well in a while, without anybody. */
export const mayPass = (error: unknown): boolean =>
  error instanceof Unreachable ||
  (error instanceof Refused && [401, 408, 429, 500, 502, 503, 504].includes(error.status) && !needsSomebody(error))

/** A storage that is set up wrongly stays so until somebody mends it. */
const needsSomebody = ({ code }: Refused) => code.startsWith('storage_') && code !== 'storage_away'

const WAYS: Ways = { done, whole: intoStorage, refusal: refusalOf, mayPass, silence: SILENCE, checking: CHECKING }
