import { Link, useLocation } from '@tanstack/react-router'
import { useState } from 'react'
import { useUser } from '~/api/session'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import './grace.css'

const KEY = 'neopro.grace'

/** After the login: whose role has to have a second factor soon learns it, once for each tab. */
export function GraceBanner() {
  const { t, formats } = useWords()
  const { mfa_required, mfa_grace_until } = useUser()
  const { pathname } = useLocation()
  const [heard, setHeard] = useState(() => sessionStorage.getItem(KEY) === mfa_grace_until)
  // The page where it is done says so itself.
  if (!mfa_required || !mfa_grace_until || heard || pathname === '/profile') return null
  const until = new Date(mfa_grace_until)
  const later = () => {
    sessionStorage.setItem(KEY, mfa_grace_until)
    setHeard(true)
  }
  return (
    <div className="grace" role="status">
      <Icon name="key" />
      <p>{until.getTime() > Date.now() ? t('grace.said', { date: formats.moment(until) }) : t('grace.overdue')}</p>
      <Link to="/profile" className="btn sm">
        {t('grace.set_up')}
      </Link>
      <button type="button" className="btn sm quiet" onClick={later}>
        {t('grace.later')}
      </button>
    </div>
  )
}
