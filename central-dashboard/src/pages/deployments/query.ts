/** Orders page by page, for lists that go on as one scrolls. */
import { infiniteQueryOptions, keepPreviousData } from '@tanstack/react-query'
import { getWithHeaders, type Query } from '~/api/client'
import { PAGE } from '~/api/reads'
import type { Order } from './order'

export interface OrderPage {
  data: Order[]
  total: number
}

/** The stream changes rows wherever they stand, so the key begins like that of every list of orders. */
export const ordersByPage = (filters: Query) =>
  infiniteQueryOptions({
    queryKey: ['deployments', 'list', 'by-page', filters] as const,
    queryFn: async ({ signal, pageParam }): Promise<OrderPage> => {
      const query = { ...filters, page: pageParam, limit: PAGE }
      const answer = await getWithHeaders<Order[]>('/api/deployments', query, signal)
      return { data: answer.data, total: Number(answer.headers.get('X-Total-Count') ?? answer.data.length) }
    },
    initialPageParam: 1,
    getNextPageParam: (last, pages) => (pages.length * PAGE < last.total ? pages.length + 1 : undefined),
    placeholderData: keepPreviousData,
  })
