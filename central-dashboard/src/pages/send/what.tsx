import { useQueries, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { isGone } from '~/api/errors'
import { reads } from '~/api/reads'
import { useWords } from '~/i18n/words'
import { SearchField } from '~/ui/filters'
import { PanelHead } from '~/ui/page'
import { resolution, titleOf } from '~/videos/facts'
import { SmallPicture } from '~/videos/picture'
import { flipped, useChoose, type Chosen } from './chosen'
import { Chip, Nothing, Picks } from './picks'
import { MOST_VIDEOS } from './preview'
import { Heading } from './heading'

const FIRST = 6

/** First step: which videos. */
export function What({ chosen }: { chosen: Chosen }) {
  const words = useWords()
  const { t, formats } = words
  const choose = useChoose()
  const [search, setSearch] = useState<string>()
  const [limit, setLimit] = useState(FIRST)
  const query = useQuery({
    ...reads.videos({ search, limit, sort: 'created_at', order: 'desc' }),
    select: ({ data, pagination }) => ({ rows: data, total: pagination.total }),
  })
  const flip = (id: string) => choose.list('videos', flipped(chosen.videos, id))
  return (
    <section className="card" id="what">
      <PanelHead title={<Heading step={1}>{t('send.what')}</Heading>} note={t('send.what.note')} />
      <ChosenVideos ids={chosen.videos} flip={flip} />
      {chosen.videos.length > MOST_VIDEOS ? <p className="red">{t('send.what.most', { most: MOST_VIDEOS })}</p> : null}
      <SearchField label={t('send.what.search')} value={search} onChange={setSearch} />
      <Picks
        label={t('send.what')}
        query={query}
        idOf={(video) => String(video.id)}
        chosen={chosen.videos}
        flip={flip}
        more={() => setLimit(limit + 12)}
        empty={<Nothing searched={search !== undefined} none={t('library.empty')} action={<Link to="/content" className="btn">{t('library.add')}</Link>} />}
      >
        {(video) => (
          <>
            <SmallPicture address={video.thumbnail_url} title={titleOf(video, words)} />
            <span className="pick-text">
              <b>{titleOf(video, words)}</b>
              <small>
                {[video.duration == null ? undefined : formats.clock(video.duration), resolution(video), formats.bytes(video.file_size), t('videos.used', { count: video.sites_count })]
                  .filter(Boolean)
                  .join(' · ')}
              </small>
            </span>
          </>
        )}
      </Picks>
    </section>
  )
}

function ChosenVideos({ ids, flip }: { ids: string[]; flip: (id: string) => void }) {
  const words = useWords()
  const { t } = words
  const found = useQueries({ queries: ids.map((id) => reads.video(id)) })
  if (ids.length === 0) return null
  return (
    <ul className="picked-list" aria-label={t('send.what.chosen')}>
      {ids.map((id, at) => {
        const video = found[at]?.data
        const name = video ? titleOf(video, words) : isGone(found[at]?.error) ? t('send.what.gone') : '…'
        return (
          <Chip key={id} name={name} onDrop={() => flip(id)}>
            {video ? <SmallPicture address={video.thumbnail_url} title={name} /> : null}
          </Chip>
        )
      })}
    </ul>
  )
}
