/** The SHA-256 of a file, computed in a worker that is loaded when the first file comes. */
import type { Told } from './hash.worker'

/** The file was moved, changed or taken away since it was chosen. */
export class FileGone extends Error {}

/** One worker for all files, one after the other; a file that is given up ends it. */
let idle: Worker | undefined

/**
 * The hash in hex. `undefined` if this browser cannot compute it here: the server finds duplicates as well, only later.
 */
export function hashOf(file: Blob, told: (done: number) => void, stop: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const worker = idle ?? new Worker(new URL('./hash.worker.ts', import.meta.url), { type: 'module' })
    idle = undefined
    const end = (isWell: boolean, run: () => void) => {
      if (isWell) idle = worker
      else worker.terminate()
      stop.removeEventListener('abort', abort)
      run()
    }
    const abort = () => end(false, () => reject(stop.reason as Error))
    stop.addEventListener('abort', abort)
    worker.onmessage = ({ data }: MessageEvent<Told>) => {
      if ('done' in data) told(data.done)
      else if ('sha256' in data) end(true, () => resolve(data.sha256))
      else end(true, () => reject(new FileGone(data.unreadable)))
    }
    worker.onerror = () => end(false, () => resolve(undefined))
    worker.postMessage(file)
  })
}
