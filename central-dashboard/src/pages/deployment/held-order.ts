/** Rows that stay where they are while their states change: nothing moves under the pointer. */
import { useCallback, useMemo, useState } from 'react'

interface Held {
  list: string
  /** Place of each row, and what it was like when it took that place. */
  places: Map<string, string>
}

/**
 * The rows in the order in which they were first seen; how many have changed since; and how to put them in order.
 * `list` names what is listed: another list is another order.
 */
export function useHeldOrder<T>(rows: T[] | undefined, list: string, idOf: (row: T) => string, kindOf: (row: T) => string) {
  const [held, hold] = useState<Held>({ list, places: new Map() })
  const current = held.list === list ? held : { list, places: new Map<string, string>() }
  const { shown, moved } = useMemo(() => arrange(rows, current.places, idOf, kindOf), [rows, current.places, idOf, kindOf])
  // New rows take the next places; this is remembered in the same object, so that no second drawing is needed.
  if (held !== current) hold(current)
  const reorder = useCallback(() => hold({ list, places: new Map() }), [list])
  return { shown, moved, reorder }
}

function arrange<T>(
  rows: T[] | undefined,
  places: Map<string, string>,
  idOf: (row: T) => string,
  kindOf: (row: T) => string,
): { shown: T[] | undefined; moved: number } {
  if (!rows) return { shown: undefined, moved: 0 }
  const byId = new Map(rows.map((row) => [idOf(row), row]))
  for (const row of rows) if (!places.has(idOf(row))) places.set(idOf(row), kindOf(row))
  const shown: T[] = []
  let moved = 0
  for (const [id, kind] of places) {
    const row = byId.get(id)
    if (!row) continue
    shown.push(row)
    if (kindOf(row) !== kind) moved += 1
  }
  return { shown, moved }
}
