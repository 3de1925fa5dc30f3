/** What is read of videos beyond the plain lists. Their keys begin with the kind of thing, for the live stream. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { get, type Query } from '~/api/client'
import type { Deployment, Paged, Video } from '~/api/types'
import { learnMost } from '~/uploads/most'

export const STEP = 48

export interface VideoSite {
  site_id: string
  site_name: string
  club_name: string
  state: 'pending' | 'downloading' | 'installed' | 'failed'
  changed_at: string
}

export interface Named {
  value: string
  count: number
}

/** The library as one scrolls through it. */
export const libraryPages = (filters: Query) =>
  infiniteQueryOptions({
    queryKey: ['videos', 'pages', filters] as const,
    queryFn: ({ signal, pageParam }) => get<Paged<Video>>('/api/videos', { ...filters, page: pageParam, limit: STEP }, signal),
    initialPageParam: 1,
    getNextPageParam: ({ pagination }) =>
      pagination.page * pagination.limit < pagination.total ? pagination.page + 1 : undefined,
    placeholderData: keepPreviousData,
  })

/** How many videos fit. */
export const videoCount = (filters: Query = {}) =>
  queryOptions({
    queryKey: ['videos', 'count', filters] as const,
    queryFn: async ({ signal }) =>
      countAndLimit(await get<Counted>('/api/videos', { ...filters, page: 1, limit: 1 }, signal)),
  })

interface Counted extends Paged<Video> {
  total_bytes?: number
  max_file_bytes?: number
}

/** What could go: how many videos nobody is to have, and the room that they take. */
export const videosToSpare = () =>
  queryOptions({
    queryKey: ['videos', 'spare'] as const,
    queryFn: async ({ signal }) => {
      const { pagination, total_bytes } = await get<Counted>('/api/videos', { unused: 'true', page: 1, limit: 1 }, signal)
      return { count: pagination.total, bytes: total_bytes ?? 0 }
    },
  })

/** Whoever counts the library learns on the way how large a file may be. */
function countAndLimit({ pagination, max_file_bytes }: Counted): number {
  learnMost(max_file_bytes)
  return pagination.total
}

/** The categories that exist, with how many videos each has. Only names and numbers are kept. */
export const videoCategories = () =>
  queryOptions({
    queryKey: ['videos', 'categories'] as const,
    queryFn: async ({ signal }) => counted(await get<Paged<Video>>('/api/videos', { page: 1, limit: 1000 }, signal)),
    staleTime: 300_000,
  })

function counted({ data }: Paged<Video>): Named[] {
  const counts = new Map<string, number>()
  for (const { category } of data) if (category) counts.set(category, (counts.get(category) ?? 0) + 1)
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => a.value.localeCompare(b.value))
}

/** Where a video is wanted, and how far it is there. */
export const videoSites = (id: string, filters: Query) =>
  queryOptions({
    queryKey: ['videos', 'sites', id, filters] as const,
    queryFn: ({ signal }) => get<Paged<VideoSite>>(`/api/videos/${id}/sites`, filters, signal),
    placeholderData: keepPreviousData,
  })

/** The newest orders about a video. */
export const videoOrders = (id: string) =>
  queryOptions({
    queryKey: ['deployments', 'of-video', id] as const,
    queryFn: ({ signal }) => get<Deployment[]>('/api/deployments', { video_id: id, page: 1, limit: 8 }, signal),
  })
