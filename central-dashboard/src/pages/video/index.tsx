/** One video: what it is, where it plays, and what can be done with it. */
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { isGone } from '~/api/errors'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import type { Video } from '~/api/types'
import { mayDelete, mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Empty, Failed, PageHeader, Skeleton } from '~/ui/page'
import { MoreMenu, type MenuAct } from '~/ui/popover'
import { titleOf } from '~/videos/facts'
import { DeleteVideo } from './delete'
import { EditVideo } from './edit'
import { Facts } from './facts'
import { Orders } from './orders'
import { Player } from './player'
import { Used } from './used'
import { useThumbnail } from './use-thumbnail'
import { Withdraw } from './withdraw'
import './video.css'

const route = getRouteApi('/shell/content/$id')

export function Page() {
  const { id } = route.useParams()
  const { t } = useWords()
  const query = useQuery(reads.video(id))
  if (isGone(query.error)) return <Gone />
  if (query.data) return <Known video={query.data} />
  return (
    <>
      <PageHeader title={t('video.title')} crumb={t('video.title')} />
      <div className="card">
        {query.error ? <Failed error={query.error} retry={() => void query.refetch()} /> : <Skeleton rows={8} />}
      </div>
    </>
  )
}

function Gone() {
  const { t } = useWords()
  return (
    <>
      <PageHeader title={t('video.gone')} crumb={t('video.title')} />
      <div className="card">
        <Empty
          icon="video"
          title={t('video.gone')}
          action={
            <Link to="/content" className="btn">
              {t('video.gone.back')}
            </Link>
          }
        >
          {t('video.gone.text')}
        </Empty>
      </div>
    </>
  )
}

type Asking = 'edit' | 'withdraw' | 'delete' | undefined

function Known({ video }: { video: Video }) {
  const words = useWords()
  const { t, formats } = words
  const [asking, ask] = useState<Asking>()
  const title = titleOf(video, words)
  const close = () => ask(undefined)
  return (
    <>
      <PageHeader title={title} crumb={title} acts={<Acts video={video} ask={ask} />}>
        {t('video.subtitle', { count: video.sites_count, date: formats.dateTime(new Date(video.created_at)) })}
      </PageHeader>
      <div className="row s1 video-page">
        <div className="col">
          <Player video={video} />
          <Used video={video} />
        </div>
        <div className="col">
          <Facts video={video} onEdit={() => ask('edit')} />
          <Orders id={String(video.id)} />
        </div>
      </div>
      {asking === 'edit' ? <EditVideo video={video} onClose={close} /> : null}
      {asking === 'withdraw' ? <Withdraw video={video} onClose={close} /> : null}
      {asking === 'delete' ? <DeleteVideo video={video} onClose={close} onWithdraw={() => ask('withdraw')} /> : null}
    </>
  )
}

function Acts({ video, ask }: { video: Video; ask: (what: Asking) => void }) {
  const { t } = useWords()
  const { role } = useUser()
  const reason = useReadOnly()
  const thumbnail = useThumbnail(video)
  const acts: MenuAct[] = [
    { label: t('video.edit'), icon: 'pen', reason, run: () => ask('edit') },
    {
      label: t(video.thumbnail_url ? 'video.thumbnail.again' : 'video.thumbnail.make'),
      icon: 'image',
      reason: thumbnail.busy ? t('video.thumbnail.busy') : reason,
      run: thumbnail.make,
    },
    {
      label: t('video.withdraw'),
      icon: 'undo',
      reason: video.sites_count === 0 ? t('video.withdraw.nowhere') : reason,
      run: () => ask('withdraw'),
    },
  ]
  if (mayDelete(role)) acts.push({ label: t('video.delete'), icon: 'bin', danger: true, reason, run: () => ask('delete') })
  return (
    <>
      <a className="btn" href={video.public_url} download={video.original_name} target="_blank" rel="noreferrer">
        <Icon name="download" />
        {t('video.download')}
      </a>
      {mayWrite(role) ? (
        <>
          <Link to="/send" search={{ videos: String(video.id) }} className="btn pri">
            <Icon name="send" />
            {t('video.send')}
          </Link>
          <MoreMenu acts={acts} />
        </>
      ) : null}
    </>
  )
}
