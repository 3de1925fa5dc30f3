/** Which roles have to have a second factor, after how many days, and what that asks of whom. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import type { SecurityRule } from '~/api/admin'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { useUser } from '~/api/session'
import type { Role } from '~/api/types'
import { mayRule } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { ErrorSummary, problemsOf, TextField } from '~/ui/form'
import { Shape } from '~/ui/state'
import { toast } from '~/ui/toast'
import { nameOf } from '../users/account'
import { daysIn, isSame, MOST_DAYS, newlyOwing, type RoleCount } from './concerned'

export function Rule({ rule, counts }: { rule: SecurityRule; counts: RoleCount[] }) {
  const words = useWords()
  const { t } = words
  const rules = mayRule(useUser().role)
  const offline = useReadOnly()
  const save = useSave(rule)
  const [roles, choose] = useState<readonly Role[]>(rule.mfa_required_roles)
  const [text, setText] = useState(String(rule.mfa_grace_days))
  const days = daysIn(text)
  const wanted = { mfa_required_roles: [...roles], mfa_grace_days: days ?? 0 }
  const changed = days === undefined || !isSame(rule, wanted)
  const toggle = (role: Role) => choose(roles.includes(role) ? roles.filter((one) => one !== role) : [...roles, role])
  const problem = days === undefined ? t('security.days.wrong', { most: MOST_DAYS }) : problemsOf(save.error, words)['mfa_grace_days']
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (days !== undefined) save.mutate(wanted)
  }
  return (
    <form className="form rule" onSubmit={submit} noValidate>
      <ErrorSummary problems={{}} sentence={save.error ? say(save.error, words).sentence : undefined} />
      <fieldset className="rule-roles" disabled={!rules}>
        <legend>{t('security.roles')}</legend>
        {counts.map((count) => (
          <RoleLine key={count.role} count={count} required={roles.includes(count.role)} rules={rules} toggle={() => toggle(count.role)} />
        ))}
      </fieldset>
      <div className="rule-days">
        <TextField
          label={t('security.days')}
          hint={t('security.days.hint')}
          name="mfa_grace_days"
          inputMode="numeric"
          autoComplete="off"
          value={text}
          disabled={!rules}
          problem={problem}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      {rules ? (
        <div className="rule-end">
          <p role="status">{changed && days !== undefined ? <Effect counts={counts} before={rule} days={days} roles={roles} /> : null}</p>
          <button type="submit" className="btn pri" disabled={!changed || days === undefined || save.isPending || offline !== undefined} title={offline}>
            {t('security.save')}
          </button>
        </div>
      ) : null}
    </form>
  )
}

/** A role, how many have it, and who of them has no second factor. */
function RoleLine(props: { count: RoleCount; required: boolean; rules: boolean; toggle: () => void }) {
  const { t } = useWords()
  const { count, required, rules, toggle } = props
  const { role, total, without } = count
  return (
    <div className="rule-role">
      <label className="check" title={rules ? undefined : t('security.read_only')}>
        <input type="checkbox" checked={required} onChange={toggle} />
        <span>
          <b>{t(`app.role.${role}`)}</b>
          <small>{t('security.accounts', { count: total })}</small>
        </span>
      </label>
      {without.length === 0 ? (
        <span className="state mut">
          {total > 0 ? <Shape state="done" /> : null}
          {total > 0 ? t('security.all_have') : null}
        </span>
      ) : (
        <details className="without">
          <summary>
            <span className="state">
              {required ? <Shape state="warning" /> : null}
              {t('security.without', { count: without.length })}
            </span>
          </summary>
          <ul>
            {without.slice(0, SHOWN).map((account) => (
              <li key={account.id}>
                {nameOf(account)} {account.full_name ? <small>{account.email}</small> : null}
              </li>
            ))}
          </ul>
          <Link to="/admin/users" search={{ role }} className="link">
            {t('security.see', { count: total })}
          </Link>
        </details>
      )}
    </div>
  )
}

/** So many names are read; the rest stands in the list. */
const SHOWN = 10

/** What saving it will do. */
function Effect({ counts, before, days, roles }: { counts: RoleCount[]; before: SecurityRule; days: number; roles: readonly Role[] }) {
  const { t } = useWords()
  const people = newlyOwing(counts, before.mfa_required_roles, roles)
  return people > 0 ? t('security.effect', { count: people, days }) : t('security.effect.none')
}

function useSave(rule: SecurityRule) {
  const client = useQueryClient()
  const words = useWords()
  const { t } = words
  const renew = () => client.invalidateQueries({ queryKey: ['settings'] })
  const put = (wanted: SecurityRule) => act('PUT', '/api/settings/security', wanted).then(renew)
  return useMutation({
    mutationFn: put,
    onSuccess: () => {
      const undo = () => void put(rule).catch((error: unknown) => toast({ kind: 'error', text: say(error, words).sentence }))
      toast({ kind: 'success', text: t('security.saved'), undo })
    },
  })
}
