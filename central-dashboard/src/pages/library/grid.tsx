import { Link, useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import type { Video } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Failed, type Asked } from '~/ui/page'
import { useShortcuts } from '~/ui/shortcuts'
import { toggled } from '~/ui/table'
import { resolution, titleOf } from '~/videos/facts'
import { Picture } from '~/videos/picture'
import { CodecVerdict } from '~/videos/verdict'
import { NoVideos, NothingFits } from './empty'
import { useIsFiltered } from './filters'

export interface ListProps {
  query: Asked<unknown>
  videos: Video[] | undefined
  total: number | undefined
  more: (() => void) | undefined
  chosen: ReadonlySet<string>
  choose: (ids: Set<string>) => void
  writes: boolean
}

/** The library as pictures. */
export function VideoGrid(props: ListProps) {
  const { query, videos, total, more } = props
  const { t, formats } = useWords()
  const filtered = useIsFiltered()
  const grid = useRef<HTMLUListElement>(null)
  useGridKeys(grid, props)
  if (videos === undefined) {
    return query.error ? <Failed error={query.error} retry={() => void query.refetch()} /> : <GridSkeleton />
  }
  return (
    <section aria-label={t('library.title')} aria-busy={query.isFetching}>
      {query.error ? <Failed error={query.error} since={query.dataUpdatedAt} retry={() => void query.refetch()} /> : null}
      {videos.length === 0 ? <div className="card">{filtered ? <NothingFits /> : <NoVideos />}</div> : null}
      <ul ref={grid} className="video-grid">
        {videos.map((video) => (
          <VideoCard key={video.id} video={video} {...props} />
        ))}
      </ul>
      {videos.length > 0 ? (
        <p className="grid-foot" role="status">
          {t('library.shown', { shown: formats.number(videos.length), total: formats.number(total ?? videos.length), count: videos.length })}
        </p>
      ) : null}
      {more ? <More more={more} /> : null}
    </section>
  )
}

function VideoCard({ video, chosen, choose, writes }: ListProps & { video: Video }) {
  const words = useWords()
  const { t, formats } = words
  const id = String(video.id)
  const title = titleOf(video, words)
  const isChosen = chosen.has(id)
  const size = resolution(video)
  return (
    <li className={`video-card${isChosen ? ' chosen' : ''}`} data-id={id}>
      <Link to="/content/$id" params={{ id }} className="video-link" data-card>
        <Picture video={video} />
        <b className="video-title">{title}</b>
      </Link>
      <p className="video-facts">
        {size ? <span>{size}</span> : null}
        <CodecVerdict video={video} />
        <span>{formats.bytes(video.file_size)}</span>
      </p>
      <p className="video-facts">
        <span className={video.sites_count > 0 ? 'used' : undefined}>{t('videos.used', { count: video.sites_count })}</span>
        {video.category ? <span className="chip small">{video.category}</span> : null}
      </p>
      {writes ? (
        <label className="video-tick">
          <input
            type="checkbox"
            className="tick"
            checked={isChosen}
            aria-label={t('ui.table.select', { name: title })}
            onChange={() => choose(toggled(chosen, id))}
          />
        </label>
      ) : null}
    </li>
  )
}

/** j and k walk through the cards as they are read, x chooses, Enter opens. */
function useGridKeys(grid: React.RefObject<HTMLUListElement | null>, { chosen, choose, writes }: ListProps): void {
  const navigate = useNavigate()
  const cards = () => [...(grid.current?.querySelectorAll<HTMLElement>('[data-card]') ?? [])]
  const current = () => document.activeElement?.closest<HTMLElement>('.video-card')
  const move = (by: number) => {
    const all = cards()
    const at = all.findIndex((card) => card.closest('.video-card') === current())
    all[Math.min(Math.max(at + by, 0), all.length - 1)]?.focus()
  }
  const id = () => current()?.dataset['id']
  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    x: () => {
      const at = id()
      if (at && writes) choose(toggled(chosen, at))
    },
    Enter: () => {
      const at = id()
      if (at) void navigate({ to: '/content/$id', params: { id: at } })
    },
    ...(chosen.size > 0 ? { Escape: () => choose(new Set()) } : {}),
  })
}

/** Loads on when one comes near the end; a button for those who do not scroll. */
function More({ more }: { more: () => void }) {
  const { t } = useWords()
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const seen = new IntersectionObserver(([entry]) => entry?.isIntersecting && more(), { rootMargin: '600px' })
    if (ref.current) seen.observe(ref.current)
    return () => seen.disconnect()
  }, [more])
  return (
    <div ref={ref} className="grid-more">
      <button type="button" className="btn" onClick={more}>
        {t('library.more')}
      </button>
    </div>
  )
}

function GridSkeleton() {
  const { t } = useWords()
  return (
    <div role="status">
      <span className="vh">{t('ui.loading')}</span>
      <ul className="video-grid waiting" aria-hidden="true">
        {Array.from({ length: 12 }, (_, at) => (
          <li key={at} className="video-card">
            <span className="picture" />
            <i />
            <i />
          </li>
        ))}
      </ul>
    </div>
  )
}
