import { Link } from '@tanstack/react-router'
import { useUser } from '~/api/session'
import { pagesFor } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'

/** What a phone needs most. */
const SHOWN = ['/dashboard', '/sites', '/deployments']

export function BottomBar({ onMore }: { onMore: () => void }) {
  const { t } = useWords()
  const { role } = useUser()
  return (
    <nav className="bottom" aria-label={t('app.nav.short')}>
      {pagesFor(role)
        .filter((page) => SHOWN.includes(page.path))
        .map((page) => (
          <Link key={page.path} to={page.path} activeProps={{ className: 'on' }}>
            <Icon name={page.icon} />
            <span>{t(page.name)}</span>
          </Link>
        ))}
      <button type="button" onClick={onMore}>
        <Icon name="menu" />
        <span>{t('app.more')}</span>
      </button>
    </nav>
  )
}
