import { useWords } from '~/i18n/words'
import type { Video } from '~/api/types'
import { getRouteApi } from '@tanstack/react-router'
import { DataTable, type Column } from '~/ui/table'
import { Bytes, Duration, When } from '~/ui/values'
import { resolution, titleOf } from '~/videos/facts'
import { SmallPicture } from '~/videos/picture'
import { CodecVerdict } from '~/videos/verdict'
import { BulkActs } from './bulk'
import { NoVideos } from './empty'
import { useClear, useIsFiltered, useSet } from './filters'
import type { ListProps } from './grid'

const route = getRouteApi('/shell/content')

/** The library as a table, to compare and to sort. */
export function VideoTable({ query, videos, total, more, chosen, choose, writes }: ListProps) {
  const words = useWords()
  const { sort = 'created_at', order = 'desc' } = route.useSearch()
  const set = useSet()
  const clear = useClear()
  const filtered = useIsFiltered()
  const nameOf = (id: string) => {
    const video = videos?.find((one) => String(one.id) === id)
    return video ? titleOf(video, words) : ''
  }
  return (
    <DataTable
      caption={words.t('library.title')}
      query={query}
      rows={videos}
      total={total}
      rowId={(video) => String(video.id)}
      href={(video) => `/content/${video.id}`}
      columns={useColumns()}
      empty={<NoVideos />}
      filtered={{ active: filtered, clear }}
      sorting={{ sort, order: order === 'asc' ? 'asc' : 'desc', change: (next) => set(next) }}
      more={more}
      {...(writes ? { selection: { ids: chosen, change: choose, name: nameOf, bulk: (ids) => <BulkActs chosen={ids} onDone={() => choose(new Set())} /> } } : {})}
    />
  )
}

function useColumns(): Column<Video>[] {
  const words = useWords()
  const { t } = words
  return [
    {
      id: 'title',
      header: t('library.column.title'),
      sort: 'title',
      card: 'title',
      cell: (video) => (
        <span className="title-cell">
          <SmallPicture address={video.thumbnail_url} title={titleOf(video, words)} />
          {titleOf(video, words)}
        </span>
      ),
    },
    { id: 'duration', header: t('library.column.duration'), sort: 'duration', num: true, card: 'corner', cell: (video) => (video.duration == null ? '' : <Duration seconds={video.duration} clock />) },
    { id: 'size', header: t('library.column.resolution'), cell: (video) => resolution(video) ?? '' },
    { id: 'codec', header: t('library.column.codec'), cell: (video) => <CodecVerdict video={video} /> },
    { id: 'bytes', header: t('library.column.size'), sort: 'file_size', num: true, cell: (video) => <Bytes value={video.file_size} /> },
    { id: 'category', header: t('library.category'), cell: (video) => video.category ?? '' },
    { id: 'used', header: t('library.column.used'), card: 'line', cell: (video) => t('videos.used', { count: video.sites_count }) },
    { id: 'added', header: t('library.column.added'), sort: 'created_at', cell: (video) => <When at={video.created_at} /> },
  ]
}
