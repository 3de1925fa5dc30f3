/** SHA-256 of a file, read piece by piece beside the page: `crypto.subtle` wants it whole in memory. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

export type Told = { done: number } | { sha256: string } | { unreadable: string }

const tell = (told: Told) => self.postMessage(told)

self.onmessage = ({ data }: MessageEvent<Blob>) => {
  void hash(data)
}

async function hash(file: Blob): Promise<void> {
  try {
    const digest = sha256.create()
    const reader = file.stream().getReader()
    let done = 0
    let told = 0
    for (;;) {
      const piece = await reader.read()
      if (piece.done) break
      digest.update(piece.value)
      done += piece.value.length
      if (done - told > 8_000_000) {
        told = done
        tell({ done })
      }
    }
    tell({ sha256: bytesToHex(digest.digest()) })
  } catch (error) {
    tell({ unreadable: String(error) })
  }
}
