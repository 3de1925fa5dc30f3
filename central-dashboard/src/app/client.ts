import { QueryClient } from '@tanstack/react-query'
import { Refused, Unreachable } from '~/api/errors'

/** The cache. The stream keeps it true, so nothing is read again just because time passes or a window is looked at. */
export function makeClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        gcTime: 600_000,
        refetchOnWindowFocus: false,
        // Without a network a question fails and says so, instead of waiting in silence.
        networkMode: 'always',
        refetchOnReconnect: true,
        retry: (count, error) => count < 2 && mayPass(error),
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
}

const mayPass = (error: unknown) =>
  error instanceof Unreachable || (error instanceof Refused && [502, 503, 504].includes(error.status))
