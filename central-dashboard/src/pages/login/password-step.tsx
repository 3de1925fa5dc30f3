import { Link } from '@tanstack/react-router'
import { type FormEvent } from 'react'
import { logIn, type Challenge } from '~/api/session'
import { useWords, type Words } from '~/i18n/words'
import { TextField, type Problems } from '~/ui/form'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { PasswordField } from './password-field'
import { wrongPassword } from './wrong'

interface PasswordStepProps {
  /** What was typed before, for whom has to begin again. */
  email: string
  onPassword: (email: string, challenge: Challenge | undefined) => Promise<void>
}

/** Address and password; what went wrong is said at the top and at the field. */
export function PasswordStep({ email: before, onPassword }: PasswordStepProps) {
  const words = useWords()
  const { t } = words
  const sending = useSending()
  const { problems } = sending
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const email = String(form.get('email')).trim()
    const password = String(form.get('password'))
    const own = (error: unknown) => (wrongPassword(error) ? { sentence: t('login.wrong') } : undefined)
    void sending.send(missing(email, password, words), async () => onPassword(email, await logIn(email, password)), own)
  }
  return (
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
        defaultValue={before}
        autoFocus={!before}
        problem={problems['email']}
      />
      <PasswordField problem={problems['password']} autoFocus={before !== ''} />
      <SendButton of={sending} className="login-go" label={t('login.go')} busy={t('login.busy')} />
      <Link to="/forgot-password" className="link login-aside">
        {t('login.forgot')}
      </Link>
    </form>
  )
}

function missing(email: string, password: string, words: Words): Problems {
  const found: Problems = {}
  const wrong = wrongEmail(email, words)
  if (wrong) found['email'] = wrong
  if (!password) found['password'] = words.t('login.password.missing')
  return found
}

/** What is wrong with an address before anybody is asked. */
export function wrongEmail(email: string, { t }: Words): string | undefined {
  if (/^\S+@\S+$/.test(email)) return undefined
  return email ? t('login.email.wrong') : t('login.email.missing')
}
