import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { NewPassword, passwordProblem } from '~/account/new-password'
import { open } from '~/api/account'
import { Refused } from '~/api/errors'
import { useWords, type Words } from '~/i18n/words'
import { TextField, type Problems } from '~/ui/form'
import { Loaded } from '~/ui/page'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { Frame } from '../login/frame'
import { wrongEmail } from '../login/password-step'
import { Said } from '../login/said'

const route = getRouteApi('/setup')

/** The first account of a new server, by the link that stands in its log. */
export function Page() {
  const { t } = useWords()
  const { token = '' } = route.useSearch()
  const [end, setEnd] = useState<'made' | 'over'>()
  const query = useQuery({
    queryKey: ['setup-token', token],
    queryFn: () => open.firstAccount(token),
    enabled: token !== '',
    staleTime: Infinity,
    retry: false,
  })
  const refused = query.error instanceof Refused && query.error.status < 429
  const over = token === '' || end === 'over' || refused || query.data?.valid === false
  return (
    <Frame name={t('setup.document')}>
      {end === 'made' ? (
        <Ended title={t('setup.done')} text={t('setup.done.text')} />
      ) : over ? (
        <Ended title={t('setup.over')} text={t('setup.over.text')} />
      ) : (
        <>
          <h1>{query.data ? t('setup.title') : t('setup.verifying')}</h1>
          <Loaded query={query}>{() => <Form token={token} onEnd={setEnd} />}</Loaded>
        </>
      )}
    </Frame>
  )
}

function Ended({ title, text }: { title: string; text: string }) {
  const { t } = useWords()
  return (
    <Said title={title}>
      <p>{text}</p>
      <Link to="/login" className="btn pri login-go">
        {t('setup.login')}
      </Link>
    </Said>
  )
}

function Form({ token, onEnd }: { token: string; onEnd: (end: 'made' | 'over') => void }) {
  const words = useWords()
  const { t } = words
  const sending = useSending()
  const { problems } = sending
  const [known, setKnown] = useState<string[]>([])
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const [full_name, email] = [text(form, 'full_name'), text(form, 'email')]
    const password = String(form.get('password'))
    const run = async () => {
      await open.makeFirstAccount({ token, email, full_name, password, language: words.language })
      onEnd('made')
    }
    const own = (error: unknown) => {
      if (!(error instanceof Refused) || ![401, 409].includes(error.status)) return undefined
      onEnd('over')
      return true as const
    }
    void sending.send(missing(full_name, email, password, words), run, own)
  }
  return (
    <>
      <p className="mut">{t('setup.text')}</p>
      <form
        className="form"
        onSubmit={submit}
        onBlur={(event) => {
          const form = new FormData(event.currentTarget)
          setKnown([text(form, 'full_name'), text(form, 'email')])
        }}
        noValidate
      >
        <Trouble of={sending} />
        <TextField
          label={t('setup.name')}
          name="full_name"
          autoComplete="name"
          maxLength={255}
          autoFocus
          problem={problems['full_name']}
        />
        <TextField
          label={t('login.email')}
          name="email"
          type="email"
          autoComplete="username"
          inputMode="email"
          autoCapitalize="none"
          spellCheck={false}
          problem={problems['email']}
        />
        <NewPassword label={t('setup.password')} name="password" problem={problems['password']} known={known} />
        <SendButton of={sending} className="login-go" label={t('setup.go')} busy={t('setup.busy')} />
      </form>
    </>
  )
}

function missing(name: string, email: string, password: string, words: Words): Problems {
  const problems = {
    full_name: name ? undefined : words.t('setup.name.missing'),
    email: wrongEmail(email, words),
    password: passwordProblem(password, words),
  }
  return Object.fromEntries(Object.entries(problems).filter((one): one is [string, string] => one[1] !== undefined))
}

const text = (form: FormData, name: string) => String(form.get(name) ?? '').trim()
