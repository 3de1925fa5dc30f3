/** What a line of the inventory means, in the words of this page. */
import type { Inventory } from '~/api/types'
import type { Progress } from '~/ui/state'

export type Item = Inventory['items'][number]

/** Whether what is there is not what is wanted. */
export const drifts = (item: Item): boolean => item.drift !== null && item.drift !== undefined

export type Standing = 'there' | 'changed' | 'extra' | 'failed' | 'downloading' | 'missing'

/** How a video stands on the box: what failed is said before what is on its way. */
export function standing(item: Item): Standing {
  if (!item.desired) return 'extra'
  if (item.state === 'failed') return 'failed'
  if (item.state === 'downloading') return 'downloading'
  if (item.drift === 'changed') return 'changed'
  return item.drift === 'missing' ? 'missing' : 'there'
}

export const SHAPE: Record<Standing, Progress> = {
  there: 'done',
  changed: 'running',
  extra: 'superseded',
  failed: 'failed',
  downloading: 'running',
  missing: 'waiting',
}

const ORDER: Standing[] = ['failed', 'changed', 'downloading', 'missing', 'extra', 'there']

/** What needs somebody first, then by name. */
export const sorted = (items: Item[], compare: (a: string, b: string) => number): Item[] =>
  items.toSorted(
    (a, b) => ORDER.indexOf(standing(a)) - ORDER.indexOf(standing(b)) || compare(a.title ?? '', b.title ?? ''),
  )
