import { useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { NewPassword, passwordProblem } from '~/account/new-password'
import { own, ownReads } from '~/api/account'
import { useUser } from '~/api/session'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { PasswordField } from '~/pages/login/password-field'
import type { Problems } from '~/ui/form'
import { PanelHead } from '~/ui/page'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { toast } from '~/ui/toast'

/** Another password; whoever else is logged in with the old one is out. */
export function PasswordPanel() {
  const { t } = useWords()
  const [changed, setChanged] = useState(0)
  return (
    <section className="card">
      <PanelHead title={t('profile.password')} />
      {/* A new form each time: nothing that was typed stays in it. */}
      <PasswordForm
        key={changed}
        onChanged={() => {
          setChanged(changed + 1)
          document.querySelector('h1')?.focus()
        }}
      />
    </section>
  )
}

function PasswordForm({ onChanged }: { onChanged: () => void }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const { email, full_name } = useUser()
  const sending = useSending()
  const { problems } = sending
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const content = new FormData(event.currentTarget)
    const [current, next] = [String(content.get('current_password')), String(content.get('new_password'))]
    void sending.send(missing(current, next, words), async () => {
      await own.changePassword(current, next)
      void client.invalidateQueries({ queryKey: ownReads.sessions().queryKey })
      toast({ kind: 'success', text: t('profile.password.changed') })
      onChanged()
    })
  }
  return (
    <form className="form" onSubmit={submit} noValidate>
      <Trouble of={sending} />
      <input className="vh" type="email" autoComplete="username" value={email} readOnly tabIndex={-1} aria-hidden="true" />
      <PasswordField
        label={t('profile.password.current')}
        name="current_password"
        problem={problems['current_password']}
      />
      <NewPassword
        label={t('profile.password.new')}
        name="new_password"
        problem={problems['new_password']}
        known={[email, full_name ?? '']}
      />
      <p className="mut small">{t('profile.password.effect')}</p>
      <div className="acts">
        <SendButton
          of={sending}
          label={t('profile.password.change')}
          busy={t('profile.password.busy')}
          reason={useReadOnly()}
        />
      </div>
    </form>
  )
}

function missing(current: string, next: string, words: Words): Problems {
  const found: Problems = {}
  if (!current) found['current_password'] = words.t('profile.password.current.missing')
  const wrong = passwordProblem(next, words)
  if (wrong) found['new_password'] = wrong
  return found
}
