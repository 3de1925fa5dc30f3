/** What is read again because something changed: without taking an answer that is on its way from whoever waits for it. */
import type { Query, QueryClient, QueryKey } from '@tanstack/react-query'

/** Sums are read again at most so often, however much happens. */
const PAUSE = 2000

const waiting = new Map<string, QueryKey>()

const isUnderWay = ({ state }: Query) => state.fetchStatus !== 'idle'
/**
 * Whether there is something that can be out of date. What could not be read at all says so and offers another try: a
 * try with every change in the fleet would have it flicker between that and its skeleton.
 */
const isRead = ({ state }: Query) => state.data !== undefined || state.status !== 'error'

/** All entries that begin with this key, at once; those that are being read come later, when they have been. */
export function readAgain(client: QueryClient, queryKey: QueryKey, exact = false): void {
  const underWay = client.getQueryCache().findAll({ queryKey, exact, predicate: isUnderWay })
  void client.invalidateQueries({ queryKey, exact, predicate: (query) => isRead(query) && !isUnderWay(query) })
  for (const query of underWay) readLater(client, query.queryKey)
}

/** One entry, soon. */
export function readLater(client: QueryClient, key: QueryKey): void {
  if (waiting.size === 0) {
    setTimeout(() => {
      const keys = [...waiting.values()]
      waiting.clear()
      for (const one of keys) readAgain(client, one, true)
    }, PAUSE)
  }
  waiting.set(JSON.stringify(key), key)
}
