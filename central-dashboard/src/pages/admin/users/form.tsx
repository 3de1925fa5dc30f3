/** A new account, or the words of one that is there. */
import { useId, useState, type FormEvent } from 'react'
import { NewPassword, passwordProblem } from '~/account/new-password'
import type { Account } from '~/api/admin'
import { useUser } from '~/api/session'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Sheet } from '~/ui/dialog'
import { SelectField, TextField, type Problems } from '~/ui/form'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { lacking, nameOf, ROLES, tenantKind, type Content } from './account'
import { ownWords, useSave } from './save'
import { TenantField } from './tenant'

type Way = 'invitation' | 'password'

export function AccountForm({ onClose, account }: { onClose: () => void; account?: Account }) {
  const words = useWords()
  const { t } = words
  const form = useId()
  const [way, choose] = useState<Way>('invitation')
  const sending = useSending()
  const { problems } = sending
  const save = useSave(account, onClose)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const content = read(data, account)
    const password = !account && way === 'password' ? String(data.get('password')) : undefined
    const found = Object.entries(lacking(content))
    const missing: Problems = Object.fromEntries(found.map(([field, what]) => [field, t(`users.form.${field}.${what}`)]))
    const weak = password === undefined ? undefined : passwordProblem(password, words)
    if (weak) missing['password'] = weak
    void sending.send(missing, () => save(content, password), (error) => ownWords(error, words))
  }
  const act = account ? t('users.form.save') : t(way === 'invitation' ? 'users.form.invite' : 'users.form.create')
  return (
    <Sheet
      open
      onClose={onClose}
      title={account ? t('users.form.edit', { name: nameOf(account) }) : t('users.form.new')}
      actions={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t('ui.keep')}
          </button>
          <SendButton of={sending} form={form} label={act} busy={t('users.form.busy')} reason={useReadOnly()} />
        </>
      }
    >
      <form id={form} className="form" onSubmit={submit} noValidate>
        <Trouble of={sending} />
        <PersonFields account={account} problems={problems} />
        <RoleFields account={account} problems={problems} />
        {account ? null : <WayIn way={way} choose={choose} problem={problems['password']} />}
      </form>
    </Sheet>
  )
}

/** One's own role is shown and not sent: nobody changes it by himself. */
function read(data: FormData, account: Account | undefined): Content {
  const text = (name: string) => String(data.get(name) ?? '').trim()
  const role = text('role') || (account?.role ?? '')
  return { full_name: text('full_name'), email: text('email'), role, tenant: tenantKind(role) ? text('tenant') : '' }
}

function PersonFields({ account, problems }: { account: Account | undefined; problems: Problems }) {
  const { t } = useWords()
  return (
    <>
      <TextField
        label={t('users.form.full_name')}
        name="full_name"
        defaultValue={account?.full_name ?? ''}
        maxLength={255}
        autoComplete="off"
        problem={problems['full_name']}
      />
      <TextField
        label={t('users.form.email')}
        name="email"
        type="email"
        inputMode="email"
        autoCapitalize="none"
        spellCheck={false}
        defaultValue={account?.email}
        maxLength={255}
        autoComplete="off"
        problem={problems['email']}
      />
    </>
  )
}

/** The role with what it may do, and to whom somebody of it belongs. */
function RoleFields({ account, problems }: { account: Account | undefined; problems: Problems }) {
  const { t } = useWords()
  const own = useUser().id === account?.id
  const [role, setRole] = useState<string>(account?.role ?? 'operator')
  const hints = [t(`users.role.${role}`)]
  if (own) hints.push(t('users.form.role.own'))
  if (account && role !== account.role) hints.push(t('users.form.role.changed'))
  return (
    <>
      <SelectField
        label={t('users.column.role')}
        name="role"
        value={role}
        disabled={own}
        hint={hints.join(' ')}
        problem={problems['role']}
        onChange={(event) => setRole(event.target.value)}
      >
        {ROLES.map((one) => (
          <option key={one} value={one}>
            {t(`app.role.${one}`)}
          </option>
        ))}
      </SelectField>
      <TenantField key={role} kind={tenantKind(role)} account={account} problem={problems['tenant']} />
    </>
  )
}

/** How a new person comes in. */
function WayIn({ way, choose, problem }: { way: Way; choose: (way: Way) => void; problem: string | undefined }) {
  const { t } = useWords()
  const group = useId()
  return (
    <fieldset className="ways">
      <legend>{t('users.form.way')}</legend>
      {(['invitation', 'password'] as const).map((one) => (
        <label key={one} className={way === one ? 'way chosen' : 'way'}>
          <input type="radio" name={group} checked={way === one} onChange={() => choose(one)} />
          <span>
            <b>{t(`users.form.way.${one}`)}</b>
            <small>{t(`users.form.way.${one}.text`)}</small>
          </span>
        </label>
      ))}
      {way === 'password' ? <NewPassword label={t('users.form.password')} name="password" problem={problem} known={[]} /> : null}
    </fieldset>
  )
}
