/**
 * What pages read, each with its place in the cache: `useQuery(reads.site(id))`.
 *
 * The first word of a key is the kind of thing in it. The live stream relies on that: it puts changed rows into every
 * entry of their kind, wherever they stand.
 */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, data, get, getWithHeaders, type Query } from './client'
import type {
  Alerts,
  Availability,
  Cause,
  Deployment,
  DeploymentSummary,
  GroupList,
  Inventory,
  Metrics,
  Paged,
  Site,
  SiteFacets,
  SiteStats,
  Target,
  Video,
} from './types'

export const PAGE = 100

export const reads = {
  sites: (filters: Query = {}) =>
    queryOptions({
      queryKey: ['sites', 'list', filters] as const,
      queryFn: ({ signal }) => get<Paged<Site>>('/api/sites', { page: 1, limit: PAGE, ...filters }, signal),
      placeholderData: keepPreviousData,
    }),
  /** The whole list, page after page as one scrolls: `rowsOf(query.data)` are its rows. */
  sitesEndless: (filters: Query = {}) =>
    infiniteQueryOptions({
      queryKey: ['sites', 'list', 'endless', filters] as const,
      queryFn: ({ signal, pageParam }) =>
        get<Paged<Site>>('/api/sites', { ...filters, page: pageParam, limit: PAGE }, signal),
      initialPageParam: 1,
      getNextPageParam: following,
      placeholderData: keepPreviousData,
    }),
  site: (id: string) =>
    queryOptions({
      queryKey: ['sites', 'one', id] as const,
      queryFn: ({ signal }) => get<Site>(`/api/sites/${id}`, {}, signal),
    }),
  siteStats: () =>
    queryOptions({
      queryKey: ['sites', 'stats'] as const,
      queryFn: ({ signal }) => get<SiteStats>('/api/sites/stats', {}, signal),
    }),
  /** Looked at again every half minute, as the server does: the stream does not tell of them. */
  alerts: (filters: Query = {}) =>
    queryOptions({
      queryKey: ['alerts', 'list', filters] as const,
      queryFn: ({ signal }) => get<Alerts>('/api/alerts', filters, signal),
      placeholderData: keepPreviousData,
      refetchInterval: 30_000,
    }),
  siteFacets: () =>
    queryOptions({
      queryKey: ['sites', 'facets'] as const,
      queryFn: ({ signal }) => get<SiteFacets>('/api/sites/facets', {}, signal),
    }),
  siteAvailability: (id: string, hours = 24) =>
    queryOptions({
      queryKey: ['sites', 'availability', id, hours] as const,
      queryFn: ({ signal }) => get<Availability>(`/api/sites/${id}/availability`, { hours }, signal),
    }),
  siteMetrics: (id: string, hours = 24) =>
    queryOptions({
      queryKey: ['sites', 'metrics', id, hours] as const,
      queryFn: ({ signal }) => get<Metrics>(`/api/sites/${id}/metrics`, { hours }, signal),
    }),
  siteInventory: (id: string) =>
    queryOptions({
      queryKey: ['sites', 'inventory', id] as const,
      queryFn: ({ signal }) => get<Inventory>(`/api/sites/${id}/inventory`, {}, signal),
    }),
  siteDeployments: (id: string) =>
    queryOptions({
      queryKey: ['deployments', 'of-site', id] as const,
      queryFn: ({ signal }) => get<Target[]>(`/api/sites/${id}/deployments`, {}, signal),
    }),
  groups: (filters: { search?: string; type?: string } = {}) =>
    queryOptions({
      queryKey: ['groups', 'list', filters] as const,
      queryFn: () => get<GroupList>('/api/groups', filters),
      placeholderData: keepPreviousData,
    }),
  group: (id: string) =>
    queryOptions({
      queryKey: ['groups', 'one', id] as const,
      queryFn: () => data(api.GET('/api/groups/{id}', { params: { path: { id } } })),
    }),
  videos: (filters: Query = {}) =>
    queryOptions({
      queryKey: ['videos', 'list', filters] as const,
      queryFn: ({ signal }) => get<Paged<Video>>('/api/videos', { page: 1, limit: PAGE, ...filters }, signal),
      placeholderData: keepPreviousData,
    }),
  videosEndless: (filters: Query = {}) =>
    infiniteQueryOptions({
      queryKey: ['videos', 'list', 'endless', filters] as const,
      queryFn: ({ signal, pageParam }) =>
        get<Paged<Video>>('/api/videos', { ...filters, page: pageParam, limit: PAGE }, signal),
      initialPageParam: 1,
      getNextPageParam: following,
      placeholderData: keepPreviousData,
    }),
  video: (id: string) =>
    queryOptions({
      queryKey: ['videos', 'one', id] as const,
      queryFn: ({ signal }) => get<Video>(`/api/videos/${id}`, {}, signal),
    }),
  deployments: (filters: Query = {}) =>
    queryOptions({
      queryKey: ['deployments', 'list', filters] as const,
      queryFn: async ({ signal }) => {
        const query = { page: 1, limit: PAGE, ...filters }
        const answer = await getWithHeaders<Deployment[]>('/api/deployments', query, signal)
        const total = Number(answer.headers.get('X-Total-Count') ?? answer.data.length)
        return { data: answer.data, total }
      },
      placeholderData: keepPreviousData,
    }),
  deployment: (id: string) =>
    queryOptions({
      queryKey: ['deployments', 'one', id] as const,
      queryFn: ({ signal }) => get<Deployment>(`/api/deployments/${id}`, {}, signal),
    }),
  deploymentTargets: (id: string, filters: Query = {}) =>
    queryOptions({
      queryKey: ['deployments', 'targets', id, filters] as const,
      queryFn: ({ signal }) => get<Paged<Target>>(`/api/deployments/${id}/targets`, filters, signal),
      placeholderData: keepPreviousData,
    }),
  deploymentCauses: (id: string) =>
    queryOptions({
      queryKey: ['deployments', 'causes', id] as const,
      queryFn: ({ signal }) => get<Cause[]>(`/api/deployments/${id}/causes`, {}, signal),
    }),
  deploymentSummary: () =>
    queryOptions({
      queryKey: ['deployments', 'summary'] as const,
      queryFn: ({ signal }) => get<DeploymentSummary>('/api/deployments/summary', {}, signal),
    }),
}

const following = ({ pagination }: Paged<unknown>) => (pagination.hasNext ? pagination.page + 1 : undefined)

/** The rows of an endless list, each once: a row that moved between two pages could come twice. */
export function rowsOf<T extends { id: string | number }>(
  data: { pages: Paged<T>[] } | undefined,
): { rows: T[] | undefined; total: number | undefined } {
  if (!data) return { rows: undefined, total: undefined }
  const seen = new Map<string | number, T>()
  for (const page of data.pages) for (const row of page.data) seen.set(row.id, row)
  return { rows: [...seen.values()], total: data.pages[data.pages.length - 1]?.pagination.total }
}
