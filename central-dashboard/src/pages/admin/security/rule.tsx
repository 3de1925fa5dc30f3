/** Which roles have to have a second factor, after how many days, and what that asks of whom. */
import { useQueryClient } from '@tanstack/react-query'
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
import { TextField } from '~/ui/form'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { Shape } from '~/ui/state'
import { toast } from '~/ui/toast'
import { nameOf } from '../users/account'
import { daysIn, isSame, MOST_DAYS, newlyOwing, type RoleCount } from './concerned'

export function Rule({ rule, counts }: { rule: SecurityRule; counts: RoleCount[] }) {
  const words = useWords()
  const { t } = words
  const rules = mayRule(useUser().role)
  const sending = useSending()
  const save = useSave(rule)
  const [roles, choose] = useState<readonly Role[]>(rule.mfa_required_roles)
  const [text, setText] = useState(String(rule.mfa_grace_days))
  const days = daysIn(text)
  const wanted = { mfa_required_roles: [...roles], mfa_grace_days: days ?? 0 }
  const changed = days === undefined || !isSame(rule, wanted)
  const toggle = (role: Role) => choose(roles.includes(role) ? roles.filter((one) => one !== role) : [...roles, role])
  const problem = days === undefined ? t('security.days.wrong', { most: MOST_DAYS }) : sending.problems['mfa_grace_days']
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (days === undefined) return
    void sending.send({}, async () => {
      await save(wanted)
      // The form is another one now: the sentence that says what holds takes the focus.
      document.querySelector('h1')?.focus()
    })
  }
  return (
    <form className="form rule" onSubmit={submit} noValidate>
      <Trouble of={sending} />
      <fieldset className="rule-roles">
        <legend className={rules ? undefined : 'vh'}>{t('security.roles')}</legend>
        {counts.map((count) => (
          <RoleLine key={count.role} count={count} required={roles.includes(count.role)} rules={rules} toggle={() => toggle(count.role)} />
        ))}
      </fieldset>
      {rules ? (
        <div className="rule-days">
          <TextField
            label={t('security.days')}
            hint={t('security.days.hint')}
            name="mfa_grace_days"
            inputMode="numeric"
            autoComplete="off"
            value={text}
            problem={problem}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
      ) : (
        <p>{t('security.days.set', { days: rule.mfa_grace_days })}</p>
      )}
      {rules ? (
        <div className="rule-end">
          <p role="status">{changed && days !== undefined ? <Effect counts={counts} before={rule} days={days} roles={roles} /> : null}</p>
          <SendButton of={sending} label={t('security.save')} busy={t('users.form.busy')} reason={useReason(changed, days)} />
        </div>
      ) : null}
    </form>
  )
}

/** Why it cannot be saved as it stands. */
function useReason(changed: boolean, days: number | undefined): string | undefined {
  const { t } = useWords()
  const offline = useReadOnly()
  if (offline) return offline
  if (days === undefined) return t('security.days.wrong', { most: MOST_DAYS })
  return changed ? undefined : t('security.same')
}

/** A role, how many have it, and who of them has no second factor. */
function RoleLine(props: { count: RoleCount; required: boolean; rules: boolean; toggle: () => void }) {
  const { t } = useWords()
  const { count, required, rules, toggle } = props
  const { role, total, without } = count
  return (
    <div className="rule-role">
      {rules ? (
        <label className="check">
          <input type="checkbox" checked={required} onChange={toggle} />
          <RoleName role={role} said={t('security.accounts', { count: total })} />
        </label>
      ) : (
        <div className="check">
          <Shape state={required ? 'done' : 'cancelled'} />
          <RoleName role={role} said={`${t(required ? 'security.role.required' : 'security.role.free')} · ${t('security.accounts', { count: total })}`} />
        </div>
      )}
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

function RoleName({ role, said }: { role: Role; said: string }) {
  const { t } = useWords()
  return (
    <span>
      <b>{t(`app.role.${role}`)}</b>
      <small>{said}</small>
    </span>
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
  return async (wanted: SecurityRule) => {
    await put(wanted)
    const undo = () => void put(rule).catch((error: unknown) => toast({ kind: 'error', text: say(error, words).sentence }))
    toast({ kind: 'success', text: t('security.saved'), undo })
  }
}
