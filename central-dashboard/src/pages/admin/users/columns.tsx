/** What a row says of an account, and what can be done with it. */
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { adminReads, type Account } from '~/api/admin'
import { useUser } from '~/api/session'
import type { Role } from '~/api/types'
import { mayRule } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { MoreMenu, type MenuAct } from '~/ui/popover'
import type { Column } from '~/ui/table'
import { Age } from '~/ui/values'
import { factorOf, isLoose, nameOf, standingOf } from './account'
import { useQuickActs, type Open, type QuickActs } from './acts'
import { FactorBadge, StandingBadge } from './badges'

export function useColumns(setOpen: (open: Open) => void): Column<Account>[] {
  const words = useWords()
  const { id, role } = useUser()
  const blocked = useReadOnly()
  const required = useQuery(adminReads.security()).data?.mfa_required_roles
  const quick = useQuickActs()
  return useMemo(() => {
    const rules = mayRule(role)
    const columns = facts(words, id, required ?? [], rules)
    if (!rules) return columns
    const menu = (account: Account) => (
      <MoreMenu
        acts={actsFor(account, { words, own: account.id === id, blocked, quick, setOpen })}
        label={words.t('users.acts', { name: nameOf(account) })}
      />
    )
    return [...columns, { id: 'acts', header: words.t('users.column.acts'), num: true, width: '70px', card: 'corner', cell: menu }]
  }, [words, id, role, blocked, required, quick, setOpen])
}

function facts({ t }: Words, own: string, required: readonly Role[], rules: boolean): Column<Account>[] {
  return [
    {
      id: 'name',
      header: t('users.column.name'),
      sort: 'full_name',
      card: 'title',
      cell: (account) => (
        <span className="person">
          <b title={nameOf(account)}>
            {nameOf(account)}
            {account.id === own ? <em className="you">{t('users.you')}</em> : null}
          </b>
          {account.full_name ? <small title={account.email}>{account.email}</small> : null}
        </span>
      ),
    },
    {
      id: 'role',
      header: t('users.column.role'),
      sort: 'role',
      width: '190px',
      card: 'line',
      cell: (account) => (
        <span className="person">
          <span>
            {t(`app.role.${account.role}`)}
            <span className="only-card and">
              <StandingBadge standing={standingOf(account)} />
            </span>
          </span>
          <Tenant account={account} />
        </span>
      ),
    },
    {
      id: 'status',
      header: t('users.column.status'),
      sort: 'status',
      width: '120px',
      cell: (account) => <StandingBadge standing={standingOf(account)} />,
    },
    {
      id: 'factor',
      header: t('users.column.factor'),
      width: '150px',
      card: rules ? 'none' : 'corner',
      cell: (account) => <FactorBadge factor={factorOf(account, required)} />,
    },
    {
      id: 'seen',
      header: t('users.column.seen'),
      sort: 'last_login_at',
      width: '150px',
      cell: (account) => <Age at={account.last_login_at} />,
    },
  ]
}

/** To whom somebody belongs. */
function Tenant({ account }: { account: Account }) {
  const name = account.role === 'agency' ? account.agency_name : account.role === 'sponsor' ? account.sponsor_name : null
  return name ? <small className="only-table">{name}</small> : null
}

interface Around {
  words: Words
  own: boolean
  blocked: string | undefined
  quick: QuickActs
  setOpen: (open: Open) => void
}

/** What is forbidden stays in sight, with why. */
function actsFor(account: Account, { words: { t }, own, blocked, quick, setOpen }: Around): MenuAct[] {
  const reason = (why: string | false) => blocked ?? (why || undefined)
  const standing = standingOf(account)
  const acts: MenuAct[] = [
    { label: t('users.edit'), icon: 'pen', reason: blocked, run: () => setOpen({ what: 'edit', account }) },
    { label: t('users.password'), icon: 'key', reason: reason(own && t('users.password.own')), run: () => setOpen({ what: 'password', account }) },
    {
      label: t('users.factor.reset'),
      icon: 'shield',
      reason: reason(own ? t('users.factor.reset.own') : !account.mfa_enabled && t('users.factor.reset.none')),
      run: () => setOpen({ what: 'factor', account }),
    },
  ]
  if (standing === 'invited') {
    acts.splice(1, 0, { label: t('users.invite'), icon: 'mail', reason: blocked, run: () => quick.invite(account) })
  }
  acts.push(
    account.status === 'active'
      ? { label: t('users.suspend'), icon: 'pause', reason: reason(own && t('users.suspend.own')), run: () => quick.turn(account, 'suspended') }
      : { label: t('users.activate'), icon: 'play', reason: reason(isLoose(account) && t('users.activate.tenant')), run: () => quick.turn(account, 'active') },
    { label: t('users.delete'), icon: 'bin', danger: true, reason: reason(own && t('users.delete.own')), run: () => setOpen({ what: 'delete', account }) },
  )
  return acts
}
