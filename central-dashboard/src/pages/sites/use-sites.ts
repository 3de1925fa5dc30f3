import { infiniteQueryOptions, keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useMemo } from 'react'
import { get, type Query } from '~/api/client'
import { useDrift } from '~/api/live'
import type { Paged, Site } from '~/api/types'

/** Rows of one answer: few enough to come at once, many enough to scroll without waiting. */
const PAGE = 200

const endless = (filters: Query) =>
  infiniteQueryOptions({
    queryKey: ['sites', 'list', 'endless', filters] as const,
    queryFn: ({ pageParam, signal }) =>
      get<Paged<Site>>('/api/sites', { ...filters, page: pageParam, limit: PAGE }, signal),
    initialPageParam: 1,
    getNextPageParam: (last) => (last.pagination.hasNext ? last.pagination.page + 1 : undefined),
    placeholderData: keepPreviousData,
    // To compare all rows with themselves whenever more come costs more than it spares.
    structuralSharing: false,
  })

/** The sites that fit the filters, as many as were scrolled to; their states are alive. */
export function useSites(filters: Query) {
  const options = endless(filters)
  const client = useQueryClient()
  const query = useInfiniteQuery(options)
  const { data, fetchNextPage, hasNextPage, isFetching } = query
  const rows = useMemo(() => (data ? once(data.pages.flatMap((page) => page.data)) : undefined), [data])
  const more = useCallback(() => void fetchNextPage({ cancelRefetch: false }), [fetchNextPage])
  const drift = useDrift(options.queryKey, query.dataUpdatedAt)
  return {
    query,
    rows,
    total: data?.pages[data.pages.length - 1]?.pagination.total,
    more: hasNextPage && !isFetching ? more : undefined,
    drift: { count: drift, refresh: () => void client.resetQueries({ queryKey: options.queryKey, exact: true }) },
  }
}

/** While one scrolls, a row may move from one page into the next: it is shown once. */
function once(rows: Site[]): Site[] {
  const seen = new Set<string>()
  return rows.filter((row) => !seen.has(row.id) && seen.add(row.id))
}
