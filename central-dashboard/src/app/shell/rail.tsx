import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Fragment } from 'react'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import { pagesFor, type Page } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { Sheet } from '~/ui/dialog'
import { Icon } from '~/ui/icons'
import { UserMenu } from './user-menu'

/** The menu at the left of wide screens: what there is and what this account may open. */
export function Rail() {
  return (
    <aside className="side">
      <Brand />
      <Menu />
      <UserMenu />
    </aside>
  )
}

/** The same on narrow screens, when it is asked for. */
export function RailDrawer({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useWords()
  return (
    <Sheet open={open} onClose={onClose} title={t('app.menu')}>
      <div className="drawer-menu">
        <Menu onGo={onClose} />
        <UserMenu onGo={onClose} />
      </div>
    </Sheet>
  )
}

export function Brand() {
  return (
    <div className="brand">
      <span className="mark">
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M6 19V5l12 14V5" />
        </svg>
      </span>
      <b translate="no">{NAME}</b>
    </div>
  )
}

/** A name is the same in every language. */
export const NAME = 'NeoPro'

function Menu({ onGo }: { onGo?: () => void }) {
  const { t } = useWords()
  const { role } = useUser()
  const pages = pagesFor(role)
  const part = (section: Page['section']) => pages.filter((page) => page.section === section)
  return (
    <nav aria-label={t('app.nav')}>
      {part('main').map((page) => (
        <Item key={page.path} page={page} onGo={onGo} />
      ))}
      {(['diffuse', 'manage'] as const).map((section) => {
        const own = part(section)
        if (own.length === 0) return null
        return (
          <Fragment key={section}>
            <h2>{t(`app.section.${section}`)}</h2>
            {own.map((page) => (
              <Item key={page.path} page={page} onGo={onGo} />
            ))}
          </Fragment>
        )
      })}
    </nav>
  )
}

function Item({ page, onGo }: { page: Page; onGo: (() => void) | undefined }) {
  const { t } = useWords()
  return (
    <Link to={page.path} activeProps={{ className: 'on' }} onClick={onGo}>
      <Icon name={page.icon} />
      <span>{t(page.name)}</span>
      {page.count === 'sites' ? <SiteCount /> : null}
      {page.count === 'deployments' ? <DeploymentCount /> : null}
    </Link>
  )
}

function SiteCount() {
  const { formats } = useWords()
  const { data } = useQuery(reads.siteStats())
  return data ? <em>{formats.number(data.total_sites)}</em> : null
}

function DeploymentCount() {
  const { formats } = useWords()
  const { data } = useQuery(reads.deploymentSummary())
  return data && data.open > 0 ? <em>{formats.number(data.open)}</em> : null
}
