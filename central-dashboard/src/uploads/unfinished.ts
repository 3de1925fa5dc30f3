/**
 * Files that go piece by piece, so that the next try, or the same file chosen again after a reload, goes on where the
 * storage is. Only this tab keeps them, as long as it lives: whoever knows an address can write there.
 */
import type { components } from '~/api/schema'
import { currentUser } from '~/api/session'
import type { Labels } from './transport'

/** How a file goes piece by piece, as the server has had it signed. */
export interface Resumable {
  url: string
  signature: string
  bucket: string
  object: string
  piece_bytes: number
}

export type Address = NonNullable<components['schemas']['Way']['address']> & { resumable: Resumable | null }

export interface Unfinished {
  size: number
  /** What the server was told of it. */
  labels: Labels
  address: Address
  /** Where its pieces go, once the storage has begun it. */
  at?: string | undefined
  /** All of its bytes have left. What was lost may be no more than the answer. */
  whole?: boolean
}

type Kept = Unfinished & { user: string }

const KEY = 'neopro.unfinished.'
/** Milliseconds. An address that ends on the way of a piece is of no use. */
const MARGIN = 60_000

/** Where a file of this hash and size is, if this account has begun it and its address still takes something. */
export function recall(sha256: string, size: number, now = Date.now()): Unfinished | undefined {
  const kept = read(KEY + sha256)
  const isMine = kept && kept.user === currentUser()?.id && kept.size === size
  return isMine && Date.parse(kept.address.expires_at) - MARGIN > now ? kept : undefined
}

function read(key: string): Kept | undefined {
  try {
    return (JSON.parse(sessionStorage.getItem(key) ?? 'null') as Kept | null) ?? undefined
  } catch {
    return undefined
  }
}

export function keep(sha256: string, unfinished: Unfinished): void {
  try {
    sessionStorage.setItem(KEY + sha256, JSON.stringify({ ...unfinished, user: currentUser()?.id ?? '' }))
  } catch {
    // A browser that keeps nothing: another try begins anew.
  }
}

export function forget(sha256: string): void {
  try {
    sessionStorage.removeItem(KEY + sha256)
  } catch {
    // Then nothing was kept.
  }
}

/** After a logout nothing is left. */
export function forgetAll(): void {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(KEY)) sessionStorage.removeItem(key)
  } catch {
    // Then nothing was kept.
  }
}
