/** The SHA-256 of a file, computed in a worker that is loaded when the first file comes. */
import type { Told } from './hash.worker'

/** The file was moved, changed or taken away since it was chosen. */
export class FileGone extends Error {}

/**
 * The hash in hex. `undefined` if this browser cannot compute it here: the server finds duplicates as well, only later.
 */
export function hashOf(file: Blob, told: (done: number) => void, stop: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./hash.worker.ts', import.meta.url), { type: 'module' })
    const end = (run: () => void) => {
      worker.terminate()
      stop.removeEventListener('abort', abort)
      run()
    }
    const abort = () => end(() => reject(stop.reason as Error))
    stop.addEventListener('abort', abort)
    worker.onmessage = ({ data }: MessageEvent<Told>) => {
      if ('done' in data) told(data.done)
      else if ('sha256' in data) end(() => resolve(data.sha256))
      else end(() => reject(new FileGone(data.unreadable)))
    }
    worker.onerror = () => end(() => resolve(undefined))
    worker.postMessage(file)
  })
}
