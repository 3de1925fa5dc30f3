/** How changed rows get into what is in the cache: in their places, so that nothing moves under the pointer. */
export interface Row {
  id: string | number
}

export type Rows = Map<string, Row>

/** The same data with the changed rows in it; the same object if none of them stands in it. */
export function merge(held: unknown, rows: Rows): { next: unknown; changed: number } {
  if (Array.isArray(held)) return mergeArray(held, rows)
  if (!isObject(held)) return { next: held, changed: 0 }
  const own = 'id' in held ? rows.get(String(held['id'])) : undefined
  if (own) return { next: { ...held, ...own }, changed: 1 }
  // A page of a list, or the pages of an endless one.
  for (const part of ['data', 'pages'] as const) {
    if (!Array.isArray(held[part])) continue
    const { next, changed } = mergeArray(held[part] as unknown[], rows)
    return changed === 0 ? { next: held, changed } : { next: { ...held, [part]: next }, changed }
  }
  return { next: held, changed: 0 }
}

function mergeArray(held: unknown[], rows: Rows): { next: unknown; changed: number } {
  let changed = 0
  const next = held.map((one) => {
    const merged = merge(one, rows)
    changed += merged.changed
    return merged.next
  })
  return changed === 0 ? { next: held, changed } : { next, changed }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
