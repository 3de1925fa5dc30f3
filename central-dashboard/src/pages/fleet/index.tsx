import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import type { SiteStats } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Empty, Loaded, PageHeader, type Asked } from '~/ui/page'
import { answer } from './answer'
import { FleetParts } from './fleet-card'
import { ClubMap, MAP_MOST } from './map'
import { Running } from './running'
import { Silent } from './silent'
import { Todo } from './todo'
import { useTrouble } from './use-trouble'
import { Regions, Versions } from './versions'
import './fleet.css'

/** The whole fleet in twenty seconds: the answer, what needs somebody, and the evidence. */
export function Page() {
  const stats = useQuery(reads.siteStats())
  return (
    <>
      <Head stats={stats.data} />
      {stats.data?.total_sites === 0 ? <Nobody /> : <Fleet query={stats} />}
    </>
  )
}

/** Each card by itself: when one cannot be read, the others go on. */
function Fleet({ query }: { query: Asked<SiteStats> }) {
  const { t } = useWords()
  const stats = query.data
  const mapped = stats !== undefined && stats.total_sites <= MAP_MOST
  return (
    <>
      <section className="card" aria-label={t('fleet.states')} aria-busy={!stats && !query.error}>
        <Loaded query={query} rows={4}>
          {(data) => <FleetParts stats={data} />}
        </Loaded>
      </section>
      <div className="row r1">
        <Todo stats={stats} />
        <div className="col fleet-side">
          <Running />
          <Silent offline={stats?.offline} />
        </div>
      </div>
      <div className={mapped ? 'row r3' : 'row r1'}>
        <ClubMap total={stats?.total_sites} />
        {mapped ? <Regions /> : null}
        <Versions />
      </div>
    </>
  )
}

function Head({ stats }: { stats: SiteStats | undefined }) {
  const words = useWords()
  const { t, formats } = words
  const trouble = useTrouble()
  const writes = mayWrite(useUser().role)
  const now = new Date()
  const title = stats ? answer(stats, trouble.sites, words) : t('app.page.fleet')
  return (
    <PageHeader title={title} document={t('app.page.fleet')} acts={writes ? <Acts /> : undefined}>
      {t('fleet.now', { day: capital(formats.day(now)), time: formats.time(now) })}
      {stats && stats.total_sites > 0
        ? ` · ${t('fleet.online', { online: formats.number(stats.online), total: formats.number(stats.total_sites), count: stats.total_sites })}`
        : ''}
    </PageHeader>
  )
}

/** The day begins a line here. */
const capital = (text: string) => text.charAt(0).toLocaleUpperCase() + text.slice(1)

function Acts() {
  const { t } = useWords()
  const reason = useReadOnly()
  const off = { disabled: reason !== undefined, title: reason }
  return (
    <>
      <Link to="/send" className="btn" {...off}>
        <Icon name="send" />
        {t('fleet.send')}
      </Link>
      <Link to="/sites/new" className="btn" {...off}>
        <Icon name="plus" />
        {t('fleet.add')}
      </Link>
    </>
  )
}

function Nobody() {
  const { t } = useWords()
  const writes = mayWrite(useUser().role)
  return (
    <section className="card">
      <Empty
        icon="screen"
        title={t('fleet.empty.title')}
        action={
          writes ? (
            <Link to="/sites/new" className="btn pri">
              <Icon name="plus" />
              {t('fleet.empty.add')}
            </Link>
          ) : undefined
        }
      >
        {t('fleet.empty.text')}
      </Empty>
    </section>
  )
}
