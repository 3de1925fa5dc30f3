import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { say } from '~/api/errors'
import { logIn, useSession } from '~/api/session'
import { safeReturn } from '~/app/return-url'
import { LanguageMenu, ThemeMenu } from '~/app/shell/choices'
import { Brand } from '~/app/shell/rail'
import { useWords, type Words } from '~/i18n/words'
import { ErrorSummary, problemsOf, TextField, type Problems } from '~/ui/form'
import { useSecondsUntil } from '~/ui/values'
import { PasswordField } from './password-field'
import { wrongPassword } from './wrong'
import './login.css'

const route = getRouteApi('/login')

/** Address and password; what went wrong is said at the top and at the field. */
export function Page() {
  const words = useWords()
  const { t } = words
  const session = useSession()
  const ended = session.state === 'out' && session.why === 'ended'
  return (
    <div className="login">
      <header className="login-top">
        <ThemeMenu />
        <LanguageMenu />
      </header>
      <main>
        <title>{t('login.document')}</title>
        <div className="login-card card">
          <Brand />
          <h1>{t('login.title')}</h1>
          <p className="mut">{ended ? t('login.ended') : t('login.subtitle')}</p>
          <LoginForm words={words} />
        </div>
      </main>
    </div>
  )
}

function LoginForm({ words }: { words: Words }) {
  const { t } = words
  const { returnUrl } = route.useSearch()
  const router = useRouter()
  const [problems, setProblems] = useState<Problems>({})
  const [sentence, setSentence] = useState<string>()
  const [busy, setBusy] = useState(false)
  const [until, waitUntil] = useState<number>()
  const seconds = useSecondsUntil(until)
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const email = String(form.get('email')).trim()
    const password = String(form.get('password'))
    const found = missing(email, password, words)
    setProblems(found)
    setSentence(undefined)
    if (Object.keys(found).length > 0) return
    setBusy(true)
    try {
      await logIn(email, password)
      await router.navigate({ href: safeReturn(returnUrl), replace: true })
    } catch (error) {
      const said = say(error, words)
      setProblems(problemsOf(error, words))
      setSentence(wrongPassword(error) ? t('login.wrong') : said.sentence)
      waitUntil(said.until)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form className="form" onSubmit={(event) => void submit(event)} noValidate>
      <ErrorSummary problems={problems} sentence={sentence} />
      <TextField
        label={t('login.email')}
        name="email"
        type="email"
        autoComplete="username"
        inputMode="email"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        problem={problems['email']}
      />
      <PasswordField problem={problems['password']} />
      <button type="submit" className="btn pri login-go" disabled={busy || seconds > 0}>
        {seconds > 0 ? t('login.wait', { seconds }) : busy ? t('login.busy') : t('login.go')}
      </button>
    </form>
  )
}

function missing(email: string, password: string, { t }: Words): Problems {
  const found: Problems = {}
  if (!/^\S+@\S+$/.test(email)) found['email'] = email ? t('login.email.wrong') : t('login.email.missing')
  if (!password) found['password'] = t('login.password.missing')
  return found
}
