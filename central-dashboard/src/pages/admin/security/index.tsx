/** What protects the doors: who has to have a second factor, and how much anybody may ask for. */
import { useQuery } from '@tanstack/react-query'
import { adminReads, type Account, type SecurityRule } from '~/api/admin'
import { useUser } from '~/api/session'
import { mayRule } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { PageHeader, Panel, type Asked } from '~/ui/page'
import { ROLES } from '../users/account'
import { byRole, owing } from './concerned'
import { Kept } from './kept'
import { Limits } from './limits'
import { Rule } from './rule'
import '../admin.css'
import './security.css'

export function Page() {
  const { t } = useWords()
  const user = useUser()
  const rule = useQuery(adminReads.security())
  const people = useQuery(adminReads.accounts({ status: 'active' }))
  return (
    <>
      <PageHeader title={<Answer rule={rule.data} people={people.data?.users} />} document={t('app.page.security')}>
        {mayRule(user.role) ? t('security.subtitle') : t('security.read_only')}
      </PageHeader>
      <div className="col">
        <Panel title={t('security.rule')} query={both(rule, people)} rows={6}>
          {([now, accounts]) => <Rule key={JSON.stringify(now)} rule={now} counts={byRole(accounts, ROLES)} />}
        </Panel>
        <Kept />
        <Limits />
      </div>
    </>
  )
}

function Answer({ rule, people }: { rule: SecurityRule | undefined; people: Account[] | undefined }) {
  const { t } = useWords()
  if (!rule || !people) return t('app.page.security')
  const roles = rule.mfa_required_roles
  return t('security.answer', { roles: roles.length, count: owing(byRole(people, ROLES), roles) })
}

/** A rule without the people whom it concerns says nothing: they are shown together. */
function both(rule: Asked<SecurityRule>, people: Asked<{ users: Account[] }>): Asked<[SecurityRule, Account[]]> {
  return {
    data: rule.data && people.data ? [rule.data, people.data.users] : undefined,
    error: rule.error ?? people.error,
    isFetching: rule.isFetching || people.isFetching,
    dataUpdatedAt: Math.min(rule.dataUpdatedAt, people.dataUpdatedAt),
    refetch: () => Promise.all([rule.refetch(), people.refetch()]),
  }
}
