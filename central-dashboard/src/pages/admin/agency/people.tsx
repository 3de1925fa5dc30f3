/** Who logs in for an agency. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { adminReads, type Accounts, type Agency } from '~/api/admin'
import { useWords } from '~/i18n/words'
import { Empty, Panel } from '~/ui/page'
import { Age } from '~/ui/values'
import { nameOf, standingOf } from '../users/account'
import { StandingBadge } from '../users/badges'

export function People({ agency }: { agency: Agency }) {
  const { t } = useWords()
  const query = useQuery(adminReads.accounts({ role: 'agency' }))
  const own = ({ users }: Accounts) => users.filter((account) => account.agency_id === agency.id)
  return (
    <Panel
      title={t('agency.people')}
      query={query}
      rows={2}
      end={
        <Link to="/admin/users" search={{ role: 'agency' }} className="link">
          {t('agency.people.all')}
        </Link>
      }
      isEmpty={(data) => own(data).length === 0}
      empty={<Empty title={t('agency.people.none')}>{t('agency.people.none.text')}</Empty>}
    >
      {(data) => (
        <ul className="people">
          {own(data).map((account) => (
            <li key={account.id}>
              <Link to="/admin/users" search={{ search: account.email }}>
                <b>{nameOf(account)}</b>
                <small>{account.email}</small>
              </Link>
              <StandingBadge standing={standingOf(account)} />
              <small>
                <Age at={account.last_login_at} none={t('agency.people.never')} />
              </small>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
