/** Sends one file with its texts. `fetch` tells nothing of bytes that leave; XMLHttpRequest does. */
import { Refused, Unreachable, type ErrorBody } from '~/api/errors'
import { ORIGIN } from '~/api/origin'
import { bearer, sessionEnded, usesCookie } from '~/api/session'
import type { Video } from '~/api/types'

export interface Labels {
  title: string
  category: string
  subcategory: string
}

export interface Sending {
  file: File
  labels: Labels
  /** Called with the bytes that have left, 0 to the file's size. */
  sent: (bytes: number) => void
  stop: AbortSignal
}

export type Kept = Pick<Video, 'id' | 'title' | 'public_url' | 'mime_type'>

/** So long without a byte, and the line is dead. At the end the server reads the file once more. */
const SILENCE = 45_000
const CHECKING = 180_000

/**
 * The video as the server keeps it.
 *
 * Throws `Refused` with the server's words, `Unreachable` when the line is gone, and the reason of `stop`.
 */
export async function send(sending: Sending): Promise<Kept> {
  try {
    return await once(sending, await bearer())
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error
    if (usesCookie()) {
      sessionEnded()
      throw error
    }
    return await once(sending, await bearer(true))
  }
}

function once({ file, labels, sent, stop }: Sending, token: string | undefined): Promise<Kept> {
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
    xhr.onload = () => finish(() => settle(xhr, resolve, reject))
    xhr.onerror = () => finish(() => reject(new Unreachable('network')))
    xhr.open('POST', `${ORIGIN}/api/videos`)
    xhr.withCredentials = usesCookie()
    xhr.setRequestHeader('Accept', 'application/json')
    if (token) xhr.setRequestHeader('Authorization', `Bearer ${token}`)
    xhr.send(form(file, labels))
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
