import { useState } from 'react'
import { useUser } from '~/api/session'
import type { Video } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { isImage, titleOf } from '~/videos/facts'
import { useThumbnail } from './use-thumbnail'

/** What the TV would show, from the storage. */
export function Player({ video }: { video: Video }) {
  const words = useWords()
  const [broken, setBroken] = useState(false)
  const title = titleOf(video, words)
  return (
    <section className="card player" aria-label={words.t('video.preview')}>
      <div className="screen">
        {broken ? (
          <p role="alert">{words.t('video.preview.broken')}</p>
        ) : isImage(video) ? (
          <img src={video.public_url} alt={title} onError={() => setBroken(true)} />
        ) : (
          <video
            key={video.public_url}
            src={video.public_url}
            poster={video.thumbnail_url ?? undefined}
            controls
            playsInline
            preload="metadata"
            aria-label={title}
            onError={() => setBroken(true)}
          />
        )}
      </div>
      {video.thumbnail_url ? null : <MissingThumbnail video={video} />}
    </section>
  )
}

function MissingThumbnail({ video }: { video: Video }) {
  const { t } = useWords()
  const { role } = useUser()
  const readOnly = useReadOnly()
  const { make, busy } = useThumbnail(video)
  if (!mayWrite(role)) return null
  return (
    <p className="no-thumbnail">
      <Icon name="image" />
      {t('video.thumbnail.none')}
      <button type="button" className="btn sm" disabled={busy || readOnly !== undefined} title={readOnly} onClick={make}>
        {t(busy ? 'video.thumbnail.busy' : 'video.thumbnail.make')}
      </button>
    </p>
  )
}
