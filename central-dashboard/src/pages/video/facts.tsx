import type { ReactNode } from 'react'
import { useUser } from '~/api/session'
import type { Video } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { PanelHead } from '~/ui/page'
import { Bytes, Duration, When } from '~/ui/values'
import { isImage, resolution } from '~/videos/facts'
import { CodecVerdict } from '~/videos/verdict'

/** What is known of the file. */
export function Facts({ video, onEdit }: { video: Video; onEdit: () => void }) {
  const { t } = useWords()
  const { role } = useUser()
  const edit = mayWrite(role) ? (
    <button type="button" className="link" onClick={onEdit}>
      {t('video.facts.edit')}
    </button>
  ) : null
  return (
    <section className="card">
      <PanelHead title={t('video.facts')} end={edit} />
      <dl className="facts">
        <Fact name={t('video.fact.category')}>
          {[video.category, video.subcategory].filter(Boolean).join(' / ') || <span className="mut">{t('video.fact.none')}</span>}
        </Fact>
        {isImage(video) ? null : (
          <Fact name={t('video.fact.duration')}>
            <Duration seconds={video.duration} clock />
          </Fact>
        )}
        <Fact name={t('video.fact.resolution')}>{resolution(video) ?? t('ui.unknown')}</Fact>
        <Fact name={t('video.fact.codec')}>
          <CodecVerdict video={video} />
        </Fact>
        <Fact name={t('video.fact.size')}>
          <Bytes value={video.file_size} />
        </Fact>
        {video.faststart === false ? <Fact name={t('video.fact.start')}>{t('video.fact.start.late')}</Fact> : null}
        <Fact name={t('video.fact.file')}>{video.original_name}</Fact>
        <Fact name={t('video.fact.changed')}>
          <When at={video.updated_at} />
        </Fact>
        <Fact name={t('video.fact.sha256')}>{video.checksum ? <Checksum text={video.checksum} /> : t('video.fact.sha256.none')}</Fact>
      </dl>
    </section>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Checksum({ text }: { text: string }) {
  const { t } = useWords()
  return (
    <span className="checksum">
      <code title={text}>{`${text.slice(0, 8)}…${text.slice(-8)}`}</code>
      <button type="button" className="ib" aria-label={t('video.fact.sha256.copy')} onClick={() => void navigator.clipboard?.writeText(text)}>
        <Icon name="copy" />
      </button>
    </span>
  )
}
