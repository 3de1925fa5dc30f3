import { Link } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { open } from '~/api/account'
import { useWords } from '~/i18n/words'
import { TextField } from '~/ui/form'
import { Icon } from '~/ui/icons'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { Frame } from '../login/frame'
import { wrongEmail } from '../login/password-step'
import { Said } from '../login/said'

/** Who has forgotten the password gets a link by mail. Whether there is such an account is never said. */
export function Page() {
  const { t } = useWords()
  const [sent, setSent] = useState<string>()
  return (
    <Frame name={t('forgot.title')}>
      {sent ? <Sent email={sent} again={() => setSent(undefined)} /> : <Ask onSent={setSent} />}
      <Link to="/login" className="btn login-go login-back">
        <Icon name="left" />
        {t('forgot.back')}
      </Link>
    </Frame>
  )
}

function Ask({ onSent }: { onSent: (email: string) => void }) {
  const words = useWords()
  const { t } = words
  const sending = useSending()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const email = String(new FormData(event.currentTarget).get('email')).trim()
    const wrong = wrongEmail(email, words)
    void sending.send(wrong ? { email: wrong } : {}, async () => {
      await open.forgotPassword(email, words.language)
      onSent(email)
    })
  }
  return (
    <>
      <h1>{t('forgot.title')}</h1>
      <p className="mut">{t('forgot.text')}</p>
      <form className="form" onSubmit={submit} noValidate>
        <Trouble of={sending} />
        <TextField
          label={t('login.email')}
          name="email"
          type="email"
          autoComplete="username"
          inputMode="email"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          problem={sending.problems['email']}
        />
        <SendButton of={sending} className="login-go" label={t('forgot.go')} busy={t('forgot.busy')} />
      </form>
    </>
  )
}

function Sent({ email, again }: { email: string; again: () => void }) {
  const { t, rich } = useWords()
  return (
    <Said title={t('forgot.sent')}>
      <p>{rich('forgot.sent.text', { email, b: (parts) => <b>{parts}</b> })}</p>
      <p>
        {t('forgot.sent.none')}{' '}
        <button type="button" className="link" onClick={again}>
          {t('forgot.again')}
        </button>
      </p>
    </Said>
  )
}
