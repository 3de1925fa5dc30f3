import { Link, useLocation } from '@tanstack/react-router'
import { pageAt } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { useShownCrumb } from '~/ui/crumb'
import { Icon } from '~/ui/icons'
import { LanguageMenu, ThemeMenu } from './choices'
import { LivePill } from './live-pill'

interface TopBarProps {
  onMenu: () => void
  onPalette: () => void
  onHelp: () => void
}

export function TopBar({ onMenu, onPalette, onHelp }: TopBarProps) {
  const { t } = useWords()
  return (
    <header className="top">
      <button type="button" className="ib burger" aria-label={t('app.menu')} onClick={onMenu}>
        <Icon name="menu" />
      </button>
      <Breadcrumb />
      <button type="button" className="find" onClick={onPalette}>
        <Icon name="search" />
        <span>{t('app.find')}</span>
        <kbd aria-hidden="true">{PALETTE_KEYS}</kbd>
      </button>
      <LivePill />
      <ThemeMenu />
      <LanguageMenu />
      <button type="button" className="ib" aria-label={t('app.help')} onClick={onHelp}>
        <Icon name="help" />
      </button>
    </header>
  )
}

/** What stands on the keys. */
const PALETTE_KEYS = navigator.platform.startsWith('Mac') ? '⌘ K' : 'Ctrl K'

function Breadcrumb() {
  const { t } = useWords()
  const { pathname } = useLocation()
  const page = pageAt(pathname)
  const crumb = useShownCrumb()
  // What is no place in the menu names itself.
  if (!page) return <div className="bc">{crumb ? <b aria-current="page">{crumb}</b> : null}</div>
  return (
    <nav className="bc" aria-label={t('app.breadcrumb')}>
      {crumb ? (
        <>
          <Link to={page.path}>{t(page.name)}</Link>
          <span aria-hidden="true">/</span>
          <b aria-current="page">{crumb}</b>
        </>
      ) : (
        <b aria-current="page">{t(page.name)}</b>
      )}
    </nav>
  )
}
