import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useUser } from '~/api/session'
import type { Video } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { Empty, Loaded, PanelHead } from '~/ui/page'
import { StateBadge, type Progress } from '~/ui/state'
import { Age } from '~/ui/values'
import '~/ui/filters.css'
import { videoSites, type VideoSite } from '~/videos/reads'

const route = getRouteApi('/shell/content/$id')
const ROWS = 20
const STATES = ['installed', 'downloading', 'pending', 'failed'] as const
export const PROGRESS: Record<VideoSite['state'], Progress> = {
  installed: 'done',
  downloading: 'running',
  pending: 'waiting',
  failed: 'failed',
}

/** Every site that is to have the video, and how far it is there. */
export function Used({ video }: { video: Video }) {
  const { t } = useWords()
  const { state } = route.useSearch()
  const navigate = route.useNavigate()
  const [page, turn] = useState(1)
  const query = useQuery(videoSites(String(video.id), { state, page, limit: ROWS }))
  const choose = (next: string | undefined) => {
    turn(1)
    void navigate({ search: { state: next }, replace: true })
  }
  return (
    <section className="card">
      <PanelHead title={t('video.used', { count: video.sites_count })} />
      {video.sites_count > 0 || state ? (
        <div className="filters" role="group" aria-label={t('video.used.state')}>
          {[undefined, ...STATES].map((one) => (
            <button
              key={one ?? 'all'}
              type="button"
              className={`btn sm filter${one === state ? ' set' : ''}`}
              aria-pressed={one === state}
              onClick={() => choose(one)}
            >
              {one ? t(`ui.state.${PROGRESS[one]}`) : t('ui.filter.all')}
            </button>
          ))}
        </div>
      ) : null}
      <Loaded query={query} rows={4} isEmpty={({ data }) => data.length === 0} empty={<Nowhere filtered={state !== undefined} id={String(video.id)} />}>
        {({ data, pagination }) => (
          <>
            <ul className="used-list">
              {data.map((site) => (
                <Site key={site.site_id} site={site} />
              ))}
            </ul>
            {pagination.total > ROWS ? <Pages page={page} total={pagination.total} turn={turn} /> : null}
          </>
        )}
      </Loaded>
    </section>
  )
}

function Site({ site }: { site: VideoSite }) {
  return (
    <li>
      <Link to="/sites/$id/$tab" params={{ id: site.site_id, tab: 'apercu' }}>
        <b>{site.club_name}</b>
        <span>{site.site_name}</span>
      </Link>
      <StateBadge state={PROGRESS[site.state]} />
      <small>
        <Age at={site.changed_at} />
      </small>
    </li>
  )
}

function Pages({ page, total, turn }: { page: number; total: number; turn: (page: number) => void }) {
  const { t, formats } = useWords()
  const last = Math.ceil(total / ROWS)
  return (
    <nav className="pages" aria-label={t('video.used.pages')}>
      <button type="button" className="btn sm" disabled={page <= 1} onClick={() => turn(page - 1)}>
        {t('video.used.before')}
      </button>
      <span role="status">{t('video.used.page', { page: formats.number(page), last: formats.number(last) })}</span>
      <button type="button" className="btn sm" disabled={page >= last} onClick={() => turn(page + 1)}>
        {t('video.used.after')}
      </button>
    </nav>
  )
}

function Nowhere({ filtered, id }: { filtered: boolean; id: string }) {
  const { t } = useWords()
  const { role } = useUser()
  if (filtered) return <Empty title={t('ui.table.filtered')} />
  return (
    <Empty
      icon="screen"
      title={t('video.used.none')}
      action={
        mayWrite(role) ? (
          <Link to="/send" search={{ videos: id }} className="btn">
            {t('video.send')}
          </Link>
        ) : null
      }
    >
      {t('video.used.none.text')}
    </Empty>
  )
}
