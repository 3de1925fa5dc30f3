/** What the orders would mean, asked anew a moment after the choice has changed. */
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { act } from '~/api/client'
import type { Preview } from '~/api/types'
import type { Chosen } from './chosen'

export const MOST_VIDEOS = 50
export const MOST_TARGETS = 1000

export function usePreview(chosen: Chosen) {
  const [plan] = useDebouncedValue(chosen, 300)
  const { videos, targets, action } = plan
  const fits = videos.length <= MOST_VIDEOS && targets.length <= MOST_TARGETS
  const isOn = videos.length > 0 && targets.length > 0 && fits
  const query = useQuery({
    queryKey: ['sites', 'preview', videos, targets, action] as const,
    queryFn: () => act<Preview>('POST', '/api/deployments/preview', { video_ids: videos, targets, action }),
    enabled: isOn,
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  })
  return {
    ...query,
    data: isOn ? query.data : undefined,
    error: isOn ? query.error : null,
    isOn,
    /** What is shown belongs to an earlier choice. */
    isOld: plan !== chosen || query.isPlaceholderData,
  }
}

export type Previewed = ReturnType<typeof usePreview>

/** From this share of the month's traffic on it is said. */
const NEAR = 0.8

/** What these orders make of what may be read from the storage in a month; nothing where there is no limit or nothing to send. */
export function trafficAfter({ traffic_bytes, traffic_limit_bytes: limit, bytes_to_send }: Pick<Preview, 'traffic_bytes' | 'traffic_limit_bytes' | 'bytes_to_send'>) {
  if (limit == null || bytes_to_send === 0) return undefined
  const after = traffic_bytes + bytes_to_send
  const level = after >= limit ? 'over' : after >= limit * NEAR ? 'near' : 'fits'
  return { after, limit, level } as const
}
