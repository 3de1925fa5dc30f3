import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, Navigate } from '@tanstack/react-router'
import { useState } from 'react'
import { isGone } from '~/api/errors'
import { useHeartbeats } from '~/api/beats'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import type { Site } from '~/api/types'
import { mayDelete, mayWrite } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Empty, Loaded, PageHeader } from '~/ui/page'
import { MoreMenu, type MenuAct } from '~/ui/popover'
import { StateBadge } from '~/ui/state'
import { Age } from '~/ui/values'
import { EditSite } from '../siteacts/edit'
import { RemoveSite } from '../siteacts/remove'
import { RenewKey } from '../siteacts/renew'
import { modelOf } from './box'
import { Overview } from './overview'
import { placeOf } from './place'
import './site.css'

const route = getRouteApi('/shell/sites/$id/$tab')

/** One club: what its box is and has, how it is, and what can be done about it. */
export function Page() {
  const { id, tab } = route.useParams()
  const { t } = useWords()
  const query = useQuery(reads.site(id))
  useHeartbeats(query.data ? id : undefined)
  if (tab !== 'apercu') return <Navigate to="/sites/$id/$tab" params={{ id, tab: 'apercu' }} replace />
  if (query.data && !isGone(query.error)) {
    return (
      <>
        <Head site={query.data} />
        <Loaded query={query}>{(site) => <Overview site={site} />}</Loaded>
      </>
    )
  }
  return (
    <>
      <PageHeader title={isGone(query.error) ? t('site.gone.title') : t('site.loading')} document={t('app.page.sites')} />
      <section className="card">
        {isGone(query.error) ? <Gone /> : <Loaded query={query} rows={8} children={() => null} />}
      </section>
    </>
  )
}

function Gone() {
  const { t } = useWords()
  return (
    <Empty
      icon="screen"
      title={t('site.gone.text')}
      action={
        <Link to="/sites" className="btn">
          {t('site.gone.list')}
        </Link>
      }
    />
  )
}

function Head({ site }: { site: Site }) {
  const { t, formats } = useWords()
  return (
    <PageHeader
      document={site.club_name}
      crumb={site.club_name}
      title={
        <>
          {site.club_name}
          <StateBadge state={site.display_status} chip />
          {(site.sports ?? []).map((sport) => (
            <span key={sport} className="chip sport">
              {sport}
            </span>
          ))}
        </>
      }
      acts={<Acts site={site} />}
    >
      {placeOf(site)}
      {modelOf(site) ? ` · ${modelOf(site)}` : ''}
      {site.software_version ? ` · ${t('site.version', { version: site.software_version })}` : ''} ·{' '}
      {site.last_seen_at ? (
        <>
          {t('site.seen')} <Age at={site.last_seen_at} />
        </>
      ) : (
        t('site.added', { date: formats.date(new Date(site.created_at)) })
      )}
    </PageHeader>
  )
}

type Opened = 'edit' | 'renew' | 'remove' | undefined

/** What this account may do; nothing of it is there for somebody who only reads. */
function Acts({ site }: { site: Site }) {
  const { t } = useWords()
  const { role } = useUser()
  const [opened, open] = useState<Opened>()
  if (!mayWrite(role)) return null
  const close = () => open(undefined)
  const rare: MenuAct[] = mayDelete(role)
    ? [
        { label: t('siteacts.renew'), icon: 'key', run: () => open('renew') },
        { label: t('siteacts.remove'), icon: 'bin', danger: true, run: () => open('remove') },
      ]
    : []
  return (
    <>
      <Link to="/send" search={{ sites: site.id }} className="btn">
        <Icon name="send" />
        {t('site.send')}
      </Link>
      <button type="button" className="btn" onClick={() => open('edit')}>
        <Icon name="pen" />
        {t('site.edit')}
      </button>
      <MoreMenu acts={rare} />
      {opened === 'edit' ? <EditSite site={site} close={close} /> : null}
      {opened === 'renew' ? <RenewKey site={site} close={close} /> : null}
      {opened === 'remove' ? <RemoveSite site={site} close={close} /> : null}
    </>
  )
}
