/** The files on their way: what is known of each, for everybody who looks. */
import { useSyncExternalStore } from 'react'
import { tellPresence } from './presence'
import type { Labels } from './transport'

export type Phase =
  /** Waits for its turn. */
  | 'queued'
  /** Its bytes are looked at, to find it if it is in the library already. */
  | 'hashing'
  | 'ready'
  | 'sending'
  /** All bytes have left; the server looks at them. */
  | 'checking'
  /** The line was lost; it tries again by itself. */
  | 'waiting'
  /** It tried often enough: a person says when. */
  | 'interrupted'
  /** It will not become a video. */
  | 'refused'
  /** The library has it. */
  | 'duplicate'
  | 'done'

export interface Upload {
  id: number
  file: File
  labels: Labels
  phase: Phase
  /** Bytes that were looked at, or have left. */
  bytes: number
  /** Bytes a second; none until it is known. */
  rate: number | undefined
  tries: number
  /** When it tries again. */
  retryAt: number | undefined
  /** It then goes on where the storage is, and does not begin anew. */
  resumes: boolean
  sha256: string | undefined
  /** The video that it became, or that was there. */
  video: { id: string; title: string } | undefined
  /** Why not: a refusal of the server, or the key of a sentence of ours. */
  problem: unknown
  picture: 'none' | 'making' | 'made' | 'failed'
}

let uploads: readonly Upload[] = []
const listeners = new Set<() => void>()

export const all = (): readonly Upload[] => uploads
export const find = (id: number): Upload | undefined => uploads.find((one) => one.id === id)

export function replace(next: readonly Upload[]): void {
  uploads = next
  tellPresence({ open: uploads.filter(isOpen).length, stuck: uploads.filter(isStuck).length, share: sentShare(uploads) })
  for (const tell of listeners) tell()
}

/** Changes one, if it is still there. */
export function change(id: number, by: Partial<Upload>): void {
  if (find(id)) replace(uploads.map((one) => (one.id === id ? { ...one, ...by } : one)))
}

export function useUploads(): readonly Upload[] {
  return useSyncExternalStore(listen, all)
}

function listen(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

const OPEN: readonly Phase[] = ['queued', 'hashing', 'ready', 'sending', 'checking', 'waiting', 'interrupted']

/** Whether something of it would be lost if the tab closed. */
export const isOpen = (one: Upload): boolean => OPEN.includes(one.phase)
export const isStuck = (one: Upload): boolean => one.phase === 'refused' || one.phase === 'interrupted'

/** Bytes that have left, of all that are to. */
export function sentShare(of: readonly Upload[]): number {
  const counted = of.filter((one) => isOpen(one) || one.phase === 'done')
  const total = counted.reduce((sum, one) => sum + one.file.size, 0)
  return total === 0 ? 0 : counted.reduce((sum, one) => sum + leftBytes(one), 0) / total
}

function leftBytes(one: Upload): number {
  if (one.phase === 'done' || one.phase === 'checking') return one.file.size
  return one.phase === 'sending' ? one.bytes : 0
}
