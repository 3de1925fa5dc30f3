/** Gives somebody another password, for when mail does not reach them. */
import { useQueryClient } from '@tanstack/react-query'
import { useId, type FormEvent } from 'react'
import { NewPassword as PasswordField, passwordProblem } from '~/account/new-password'
import type { Account } from '~/api/admin'
import { act } from '~/api/client'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { toast } from '~/ui/toast'
import { nameOf } from './account'

export function NewPassword({ account, onClose }: { account: Account; onClose: () => void }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const form = useId()
  const sending = useSending()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const new_password = String(new FormData(event.currentTarget).get('new_password'))
    const wrong = passwordProblem(new_password, words)
    void sending.send(wrong ? { new_password: wrong } : {}, async () => {
      await act('POST', `/api/users/${account.id}/reset-password`, { new_password })
      void client.invalidateQueries({ queryKey: ['users'] })
      onClose()
      toast({ kind: 'success', text: t('users.password.set', { name: nameOf(account) }) })
    })
  }
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
          <SendButton of={sending} form={form} label={t('users.password.act')} busy={t('users.form.busy')} reason={useReadOnly()} />
        </>
      }
    >
      <form id={form} className="form" onSubmit={submit} noValidate>
        <Trouble of={sending} />
        <p>{t('users.password.text')}</p>
        <PasswordField
          label={t('users.form.password')}
          name="new_password"
          problem={sending.problems['new_password']}
          known={[account.email, account.full_name ?? '']}
        />
      </form>
    </Dialog>
  )
}
