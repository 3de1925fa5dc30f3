/** Gives somebody another password, for when mail does not reach them. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useId, useState, type FormEvent } from 'react'
import type { Account } from '~/api/admin'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { ErrorSummary, problemsOf, TextField, type Problems } from '~/ui/form'
import { toast } from '~/ui/toast'
import { nameOf } from './account'
import '~/pages/login/password-field.css'

/** The server's own rule. */
export const SHORTEST = 8

export function NewPassword({ account, onClose }: { account: Account; onClose: () => void }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const form = useId()
  const [short, setShort] = useState<Problems>({})
  const save = useMutation({
    mutationFn: (new_password: string) => act('POST', `/api/users/${account.id}/reset-password`, { new_password }),
    onSuccess: () => {
      onClose()
      void client.invalidateQueries({ queryKey: ['users'] })
      toast({ kind: 'success', text: t('users.password.set', { name: nameOf(account) }) })
    },
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const password = String(new FormData(event.currentTarget).get('password'))
    const found: Problems = password.length < SHORTEST ? { password: t('users.form.password.short', { count: SHORTEST }) } : {}
    setShort(found)
    if (Object.keys(found).length === 0) save.mutate(password)
  }
  const refused = renamed(problemsOf(save.error, words))
  const problems = { ...refused, ...short }
  const sentence = save.error && Object.keys(refused).length === 0 ? say(save.error, words).sentence : undefined
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('users.password.title', { name: nameOf(account) })}
      actions={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t('ui.keep')}
          </button>
          <button type="submit" form={form} className="btn pri" disabled={save.isPending}>
            {t('users.password.act')}
          </button>
        </>
      }
    >
      <form id={form} className="form" onSubmit={submit} noValidate>
        <ErrorSummary problems={problems} sentence={sentence} />
        <p>{t('users.password.text')}</p>
        <PasswordInput label={t('users.form.password')} problem={problems['password']} />
      </form>
    </Dialog>
  )
}

/** The server names it otherwise here than when an account is made. */
const renamed = ({ new_password, ...rest }: Problems): Problems => (new_password ? { ...rest, password: new_password } : rest)

/** A password for somebody else: no manager of passwords is to keep it. */
export function PasswordInput({ label, problem }: { label: string; problem: string | undefined }) {
  const { t } = useWords()
  const [shown, show] = useState(false)
  return (
    <TextField
      label={label}
      hint={t('users.form.password.hint', { count: SHORTEST })}
      name="password"
      type={shown ? 'text' : 'password'}
      autoComplete="new-password"
      problem={problem}
      end={
        <button type="button" className="login-show" aria-pressed={shown} onClick={() => show(!shown)}>
          {shown ? t('login.hide') : t('login.show')}
        </button>
      }
    />
  )
}
