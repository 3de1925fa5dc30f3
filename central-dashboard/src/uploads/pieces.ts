/** Sends a file piece by piece, by TUS 1.0.0. Loaded with the first file that is large enough for it. */
import { DetailedError, Upload } from 'tus-js-client'
import { Refused, Unreachable } from '~/api/errors'
import type { Kept, Sending, Sent, Ways } from './transport'
import { forget, keep, type Address, type Resumable, type Unfinished } from './unfinished'

/**
 * `sent`: it is there. `unknown`: the storage does not know this way. `gone`: it knows nothing of this upload any more.
 * Else the status of a refusal.
 */
type Outcome = 'sent' | 'unknown' | 'gone' | number


type Piecewise = Address & { resumable: Resumable }

/** Sends a file to its end, and keeps where it is until it is a video, or will be none. Throws as `send` does. */
export async function goOn(sending: Sending, unfinished: Unfinished, ways: Ways): Promise<Sent> {
  const { file, sha256 = '', stop } = sending
  const { address, labels } = unfinished
  const note = (more: Partial<Unfinished>) => keep(sha256, Object.assign(unfinished, more))
  const sent = (bytes: number) => {
    if (bytes >= file.size && !unfinished.whole) note({ whole: true })
    sending.sent(bytes)
  }
  note({})
  try {
    const there = unfinished.whole ? await arrived(address.id, stop, ways) : undefined
    if (!there) await deliver({ ...sending, sent }, unfinished, note, ways)
    const video = there ?? (await ways.done(address.id, stop))
    forget(sha256)
    return { video, labels }
  } catch (error) {
    if (error instanceof Refused && !ways.mayPass(error)) forget(sha256)
    throw error
  }
}

/** The video, if it was the answer that was lost and not the bytes. */
async function arrived(id: string, stop: AbortSignal, { done }: Ways): Promise<Kept | undefined> {
  try {
    return await done(id, stop)
  } catch (error) {
    if (error instanceof Refused && error.code === 'not_arrived') return undefined
    throw error
  }
}

async function deliver(
  sending: Sending,
  unfinished: Unfinished,
  note: (more: Partial<Unfinished>) => void,
  ways: Ways,
): Promise<void> {
  const { address } = unfinished
  const { resumable } = address
  if (resumable) {
    sending.resumes(true)
    const go = () => inPieces(sending, { ...address, resumable }, unfinished.at, (at) => note({ at }), ways)
    let outcome = await go()
    if (outcome === 'gone') {
      note({ at: undefined, whole: false })
      outcome = await go()
    }
    if (outcome === 'sent') return
    if (outcome === 'gone') throw new Unreachable('the storage forgets what it is given')
    if (outcome !== 'unknown') throw ways.refusal(outcome)
  }
  sending.resumes(false)
  await ways.whole(sending, address)
}

/**
 * Begins a file, or goes on with the one that is `at` this address, from the byte that the storage names. `begun` is told
 * the address. Throws `Unreachable`, or the reason of `stop`.
 */
async function inPieces(
  sending: Sending,
  address: Piecewise,
  at: string | undefined,
  begun: (at: string) => void,
  ways: Ways,
): Promise<Outcome> {
  try {
    await transfer(sending, address, at, begun, ways)
    return 'sent'
  } catch (error) {
    if (error instanceof DetailedError) return settle(error)
    throw error
  }
}

function transfer(
  { file, sent, stop }: Sending,
  { media_type, cache_control, resumable }: Piecewise,
  at: string | undefined,
  begun: (at: string) => void,
  { silence, checking }: Ways,
): Promise<void> {
  return new Promise((resolve, reject) => {
    stop.throwIfAborted()
    const { url, signature, bucket, object, piece_bytes } = resumable
    const upload: Upload = new Upload(file, {
      // With both, the library would begin anew whenever the storage does not answer for a moment.
      ...(at ? { uploadUrl: at } : { endpoint: url }),
      headers: { 'x-signature': signature },
      metadata: {
        bucketName: bucket,
        objectName: object,
        contentType: media_type,
        // In seconds, as this way has it.
        cacheControl: cache_control.replace(/\D/g, ''),
      },
      chunkSize: piece_bytes,
      // The queue knows when it tries again, and says so.
      retryDelays: null,
      storeFingerprintForResuming: false,
      onUploadUrlAvailable: () => {
        upload.url = beside(url, upload.url ?? '')
        begun(upload.url)
      },
      onProgress: (bytes) => {
        alive(bytes >= file.size ? checking : silence)
        sent(Math.min(bytes, file.size))
      },
      onSuccess: () => finish(resolve),
      onError: (error) => finish(() => reject(error)),
    })
    let watch = setTimeout(dead, silence)
    function alive(milliseconds: number) {
      clearTimeout(watch)
      watch = setTimeout(dead, milliseconds)
    }
    function dead() {
      void upload.abort()
      finish(() => reject(new Unreachable('silence')))
    }
    function abort() {
      // What the storage has of it dies with its address.
      void upload.abort()
      finish(() => reject(stop.reason as Error))
    }
    function finish(run: () => void) {
      clearTimeout(watch)
      stop.removeEventListener('abort', abort)
      run()
    }
    stop.addEventListener('abort', abort)
    upload.start()
  })
}

/**
 * The address of an upload below the one where it was begun. What stands behind a gateway may name itself, by a host or a
 * path that leads nowhere from here, and the signature is nobody else's business.
 */
export function beside(url: string, location: string): string {
  return `${url}/${location.replace(/[?#].*$/, '').replace(/\/$/, '').split('/').pop() ?? ''}`
}

/** This way, unlike the other, answers with real statuses, and with bare words. */
export function settle(error: Pick<DetailedError, 'originalRequest' | 'originalResponse'>): Outcome {
  const answer = error.originalResponse
  const method = error.originalRequest.getMethod()
  const status = answer?.getStatus() ?? 0
  // To a page, a gateway that forbids these headers looks like a line that is cut: the other way asks for fewer.
  if (method === 'POST' && [0, 404, 405].includes(status)) return 'unknown'
  if (!answer || status === 0) throw new Unreachable(error)
  if (status === 404 || status === 410) return 'gone'
  // The name is new, so what is there is ours. Any other conflict is a try of before that the storage has not given up yet.
  if (status === 409 && /already exists/i.test(answer.getBody())) return 'sent'
  return [408, 409, 423].includes(status) ? 503 : status
}
