/** SHA-256 of a file, read piece by piece beside the page: `crypto.subtle` wants it whole in memory. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

export type Told = { done: number } | { sha256: string } | { unreadable: string }

const PIECE = 4 * 1024 * 1024

const tell = (told: Told) => self.postMessage(told)

self.onmessage = ({ data }: MessageEvent<Blob>) => {
  void hash(data)
}

async function hash(file: Blob): Promise<void> {
  try {
    const digest = sha256.create()
    for (let at = 0; at < file.size; at += PIECE) {
      const piece = await file.slice(at, at + PIECE).arrayBuffer()
      digest.update(new Uint8Array(piece))
      tell({ done: at + piece.byteLength })
    }
    tell({ sha256: bytesToHex(digest.digest()) })
  } catch (error) {
    tell({ unreadable: String(error) })
  }
}
