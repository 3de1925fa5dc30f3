/** The library: what there is, whether boxes play it, and where it runs. */
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { useUser } from '~/api/session'
import { mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { UploadPanel } from '~/uploads/panel'
import { add, whenLibraryChanges } from '~/uploads/queue'
import { libraryPages, videoCategories, videoCount } from '~/videos/reads'
import { Icon } from '~/ui/icons'
import { PageHeader } from '~/ui/page'
import { Bulk } from './bulk'
import { DropZone } from './drop'
import { LibraryFilters } from './filters'
import { VideoGrid } from './grid'
import { VideoTable } from './list'
import './library.css'

const route = getRouteApi('/shell/content')

export function Page() {
  const search = route.useSearch()
  const { view, ...filters } = search
  const query = useInfiniteQuery(libraryPages({ sort: 'created_at', order: 'desc', ...filters }))
  const categories = useQuery(videoCategories()).data ?? []
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set())
  const videos = query.data?.pages.flatMap((page) => page.data)
  const total = query.data?.pages[0]?.pagination.total
  const more = query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined
  const writes = mayWrite(useUser().role)
  useUploadsIntoCache()
  const list = { query, videos, total, more, chosen, choose, writes }
  return (
    <>
      <Head />
      {writes ? <DropZone onFiles={(files) => add(files, { category: search.category ?? '' })} /> : null}
      <UploadPanel categories={categories.map((one) => one.value)} />
      <LibraryFilters categories={categories} />
      {view === 'list' ? <VideoTable {...list} /> : <VideoGrid {...list} />}
      {chosen.size > 0 && view !== 'list' ? <Bulk chosen={chosen} onClear={() => choose(new Set())} /> : null}
    </>
  )
}

function Head() {
  const { t, formats } = useWords()
  const all = useQuery(videoCount()).data
  const unused = useQuery(videoCount({ unused: 'true' })).data
  const title =
    all === undefined
      ? t('library.title')
      : unused === undefined || all === 0
        ? t('library.title.count', { count: all, shown: formats.number(all) })
        : t(unused === all ? 'library.title.none' : 'library.title.unused', { count: all, shown: formats.number(all), unused })
  const writes = mayWrite(useUser().role)
  return (
    <PageHeader title={title} document={t('library.title')} acts={writes ? <HeadActs /> : undefined}>
      {t(writes ? 'library.subtitle' : 'library.subtitle.read')}
    </PageHeader>
  )
}

function HeadActs() {
  const { t } = useWords()
  const input = useRef<HTMLInputElement>(null)
  const readOnly = useReadOnly()
  return (
    <>
      <Link to="/send" className="btn">
        <Icon name="send" />
        {t('library.send')}
      </Link>
      <button type="button" className="btn pri" disabled={readOnly !== undefined} title={readOnly} onClick={() => input.current?.click()}>
        <Icon name="upload" />
        {t('library.add')}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        accept="video/mp4,video/quicktime,image/jpeg,image/png,image/webp,.mp4,.mov,.m4v"
        aria-label={t('library.add')}
        onChange={({ currentTarget }) => {
          add([...(currentTarget.files ?? [])])
          currentTarget.value = ''
        }}
      />
    </>
  )
}

/** What has arrived shows at once, also where the live stream is away. */
function useUploadsIntoCache(): void {
  const client = useQueryClient()
  useEffect(() => whenLibraryChanges(() => void client.invalidateQueries({ queryKey: ['videos'] })), [client])
}
