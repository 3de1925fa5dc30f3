/** The sites of an order, page by page; only pages near what one looks at are kept fresh. */
import { useQueries, useQueryClient, type Query as CacheEntry } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import { get } from '~/api/client'
import type { Paged, Target } from '~/api/types'

const SIZE = 200
/** Pages around the last one that was asked for: the rest is read again when one comes back to it. */
const NEAR = 2

export interface TargetFilters {
  state?: string | undefined
  reason_code?: string | undefined
}

const keyOf = (id: string, filters: TargetFilters, page: number) => ['deployments', 'targets', id, filters, page] as const

/** Every row so far, the total, and how to get more. The stream marks the pages as stale when the order changes. */
export function useTargets(id: string, filters: TargetFilters) {
  const client = useQueryClient()
  const list = JSON.stringify([id, filters])
  const [asked, ask] = useState({ list, pages: 1 })
  const pages = asked.list === list ? asked.pages : 1
  const found = useQueries({
    queries: Array.from({ length: pages }, (_, at) => ({
      queryKey: keyOf(id, filters, at + 1),
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        get<Paged<Target>>(`/api/deployments/${id}/targets`, { ...filters, page: at + 1, limit: SIZE }, signal),
      enabled: (entry: CacheEntry<Paged<Target>>) => at < 1 || at >= pages - NEAR || entry.state.data === undefined,
    })),
  })
  const newest = found.map((page) => page.dataUpdatedAt).join()
  // The results are new objects at each drawing; the times in `newest` say when one of them changed.
  const rows = useMemo(() => collect(found.map((page) => page.data)), [newest, list])
  const first = found[0]
  const total = first?.data?.pagination.total
  const busy = found.some((page) => page.isFetching && page.data === undefined)
  const complete = rows === undefined || total === undefined || pages * SIZE >= total
  const more = useCallback(() => ask({ list, pages: pages + 1 }), [list, pages])
  const refetch = useCallback(
    () => client.invalidateQueries({ queryKey: ['deployments', 'targets', id] }),
    [client, id],
  )
  return {
    rows,
    total,
    more: complete || busy ? undefined : more,
    asked: {
      data: first?.data,
      error: found.find((page) => page.error)?.error ?? null,
      isFetching: busy,
      isPlaceholderData: false,
      dataUpdatedAt: first?.dataUpdatedAt ?? 0,
      refetch,
    },
  }
}

/** Pages that were read at different moments can hold a site twice: the first one counts. */
function collect(pages: (Paged<Target> | undefined)[]): Target[] | undefined {
  if (!pages[0]) return undefined
  const seen = new Map<string, Target>()
  for (const page of pages) for (const row of page?.data ?? []) if (!seen.has(row.site_id)) seen.set(row.site_id, row)
  return [...seen.values()]
}

/** Every site of an order: for what is done with all of them. */
export async function allSites(id: string): Promise<string[]> {
  const ids: string[] = []
  for (let page = 1; ; page += 1) {
    const part = await get<Paged<Target>>(`/api/deployments/${id}/targets`, { page, limit: 1000 })
    ids.push(...part.data.map((row) => row.site_id))
    if (part.data.length === 0 || ids.length >= part.pagination.total) return [...new Set(ids)]
  }
}
