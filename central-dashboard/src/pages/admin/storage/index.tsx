/** Where the videos lie, and how much of that plan is used: its room, and what may be read from it in a month. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { adminReads, type StorageUse } from '~/api/admin'
import { useWords, type Words } from '~/i18n/words'
import { Figure, ProgressBar, type Segment } from '~/ui/figures'
import { Loaded, PageHeader, PanelHead } from '~/ui/page'
import { Level } from '../level'
import { videosToSpare } from '~/videos/reads'
import '../admin.css'
import './storage.css'

export function Page() {
  const words = useWords()
  const { t } = words
  const query = useQuery(adminReads.storage())
  return (
    <>
      <PageHeader title={query.data ? answer(query.data, words) : t('app.page.storage')} document={t('app.page.storage')}>
        {t('storage.subtitle')}
      </PageHeader>
      <Loaded query={query} rows={6}>
        {(use) => (
          <div className="col storage">
            {use.healthy ? null : <Trouble use={use} words={words} />}
            <Room use={use} words={words} />
            <Traffic use={use} words={words} />
          </div>
        )}
      </Loaded>
    </>
  )
}

/** The worst of it, in a sentence. */
function answer(use: StorageUse, { t }: Words): string {
  if (!use.healthy) return t('storage.answer.trouble')
  if (use.stored_level === 'full' || use.traffic_level === 'full') return t('storage.answer.full')
  return t(use.stored_level === 'near' || use.traffic_level === 'near' ? 'storage.answer.near' : 'storage.answer.ok')
}

/** The server's own words are French and name the step; other languages say where they are. */
function Trouble({ use, words: { t, language } }: { use: StorageUse; words: Words }) {
  return (
    <div className="failed error" role="alert">
      <p>{language === 'fr' && use.problem ? [use.problem, use.advice].filter(Boolean).join(' ') : t('storage.trouble')}</p>
    </div>
  )
}

/** Where videos may lie: what a newer server calls otherwise is outside as well. */
const PLACES = ['local', 'supabase', 's3'] as const

function Room({ use, words }: { use: StorageUse; words: Words }) {
  const { t, formats } = words
  const limit = use.stored_limit_bytes ?? undefined
  return (
    <section className="card">
      <PanelHead title={t('storage.room')} note={t(`storage.place.${PLACES.find((place) => place === use.place) ?? 's3'}`)} />
      <div className="storage-figures">
        <Figure label={t('storage.stored')} value={formats.bytes(use.stored_bytes)} note={t('storage.files', { count: use.files })} />
        <Figure label={t('storage.limit')} value={limit === undefined ? t('storage.no_limit') : formats.bytes(limit)} note={t('storage.limit.room')} />
        <Figure label={t('storage.largest')} value={formats.bytes(use.max_file_bytes)} />
      </div>
      <Share of={[{ state: 'done', value: use.stored_bytes, label: t('storage.stored') }]} limit={limit} words={words} />
      <Level of={use.stored_level}>{(level) => t(`storage.room.${level}`)}</Level>
      <Spare words={words} />
    </section>
  )
}

/** What can be cleared up without taking anything off the air. */
function Spare({ words: { t, formats } }: { words: Words }) {
  const spare = useQuery(videosToSpare()).data
  if (!spare || spare.count === 0) return null
  return (
    <p className="storage-spare">
      {t('storage.spare', { count: spare.count, size: formats.bytes(spare.bytes) })}{' '}
      <Link to="/content" search={{ unused: 'true', sort: 'file_size', view: 'list' }} className="link">
        {t('storage.spare.see')}
      </Link>
    </p>
  )
}

function Traffic({ use, words }: { use: StorageUse; words: Words }) {
  const { t, formats } = words
  const limit = use.traffic_limit_bytes ?? undefined
  const parts: Segment[] = [
    { state: 'done', value: use.traffic_bytes, label: t('storage.read') },
    { state: 'waiting', value: use.coming_bytes, label: t('storage.coming') },
  ]
  return (
    <section className="card">
      <PanelHead title={t('storage.traffic')} note={t('storage.month')} />
      <div className="storage-figures">
        <Figure state="done" label={t('storage.read')} value={formats.bytes(use.traffic_bytes)} />
        <Figure state="waiting" label={t('storage.coming')} value={formats.bytes(use.coming_bytes)} definition={t('storage.coming.what')} />
        <Figure label={t('storage.limit')} value={limit === undefined ? t('storage.no_limit') : formats.bytes(limit)} note={t('storage.limit.traffic')} />
      </div>
      <Share of={parts} limit={limit} words={words} />
      <Level of={use.traffic_level}>{(level) => t(`storage.traffic.${level}`)}</Level>
    </section>
  )
}

/** How much of a limit is used; without one there is nothing to draw. */
function Share({ of, limit, words: { t, formats } }: { of: Segment[]; limit: number | undefined; words: Words }) {
  if (limit === undefined) return null
  const used = of.reduce((sum, { value }) => sum + value, 0)
  const percent = formats.percent(limit === 0 ? 1 : used / limit, 0)
  return <ProgressBar segments={of} total={Math.max(limit, used)} label={t('storage.share', { percent })} />
}
