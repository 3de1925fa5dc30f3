import { useMutation, useQueryClient } from '@tanstack/react-query'
import { act, get } from '~/api/client'
import { say } from '~/api/errors'
import type { Deployment, Paged, Video } from '~/api/types'
import { useWords } from '~/i18n/words'
import { ConfirmByTyping } from '~/ui/dialog'
import { toast } from '~/ui/toast'
import { titleOf } from '~/videos/facts'
import type { VideoSite } from '~/videos/reads'

/** So many sites go into one order. */
const MOST = 1000

/** Takes the video off the air everywhere: what it means is read, and its number typed. */
export function Withdraw({ video, onClose }: { video: Video; onClose: () => void }) {
  const words = useWords()
  const { t, formats } = words
  const client = useQueryClient()
  const count = video.sites_count
  const withdraw = useMutation({
    mutationFn: () => withdrawEverywhere(String(video.id)),
    onSettled: () => void client.invalidateQueries(),
    onSuccess: (orders) => {
      onClose()
      const undo = () => void takeBack(orders).catch((error: unknown) => toast({ kind: 'error', text: say(error, words).sentence }))
      toast({ kind: 'success', text: t('video.withdrawn', { count }), undo })
    },
    onError: (error) => toast({ kind: 'error', text: say(error, words).sentence }),
  })
  return (
    <ConfirmByTyping
      open
      onClose={onClose}
      title={t('video.withdraw.title', { count, shown: formats.number(count) })}
      word={String(count)}
      act={t('video.withdraw.act', { count, shown: formats.number(count) })}
      busy={withdraw.isPending}
      onConfirm={() => withdraw.mutate()}
    >
      <p>{t('video.withdraw.text', { title: titleOf(video, words) })}</p>
    </ConfirmByTyping>
  )
}

/** One order for each thousand of its sites. */
async function withdrawEverywhere(id: string): Promise<Deployment[]> {
  const sites: VideoSite[] = []
  for (let page = 1; ; page += 1) {
    const { data, pagination } = await get<Paged<VideoSite>>(`/api/videos/${id}/sites`, { page, limit: MOST })
    sites.push(...data)
    if (data.length === 0 || sites.length >= pagination.total) break
  }
  const orders: Deployment[] = []
  for (let from = 0; from < sites.length; from += MOST) {
    const targets = sites.slice(from, from + MOST).map((site) => ({ type: 'site', id: site.site_id }))
    orders.push(await act<Deployment>('POST', '/api/deployments', { video_id: id, targets, action: 'remove' }))
  }
  return orders
}

async function takeBack(orders: Deployment[]): Promise<void> {
  await Promise.all(orders.map((order) => act('POST', `/api/deployments/${order.id}/cancel`)))
}
