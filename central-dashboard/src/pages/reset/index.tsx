import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { NewPassword, passwordProblem } from '~/account/new-password'
import { open, type ResetToken } from '~/api/account'
import { Refused } from '~/api/errors'
import { lookAgain } from '~/api/session'
import { useWords } from '~/i18n/words'
import { TextField } from '~/ui/form'
import { Loaded } from '~/ui/page'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { Frame } from '../login/frame'
import { Said } from '../login/said'

const route = getRouteApi('/reset-password')

/** A link is no good any more: used, too old, cut off on its way, or replaced by a newer one. */
const linkIsOver = (error: unknown): boolean => error instanceof Refused && [400, 401, 404].includes(error.status)

/** Where the link of a mail leads: a new password, or the first one of somebody who was invited. */
export function Page() {
  const { t } = useWords()
  const { token = '' } = route.useSearch()
  const [done, setDone] = useState<ResetToken>()
  const [spent, setSpent] = useState(false)
  const query = useQuery({
    queryKey: ['reset-token', token],
    queryFn: () => open.resetToken(token),
    enabled: token !== '',
    staleTime: Infinity,
    retry: false,
  })
  const invalid = token === '' || spent || linkIsOver(query.error)
  return (
    <Frame name={t(query.data?.kind === 'invitation' ? 'reset.invited.document' : 'reset.document')}>
      {done ? (
        <Done link={done} />
      ) : invalid ? (
        <Over />
      ) : (
        <>
          {query.data ? null : <h1>{t('reset.verifying')}</h1>}
          <Loaded query={query}>
            {(link) => <Form token={token} link={link} onDone={() => setDone(link)} onSpent={() => setSpent(true)} />}
          </Loaded>
        </>
      )}
    </Frame>
  )
}

function Over() {
  const { t } = useWords()
  return (
    <Said title={t('reset.over')}>
      <p>{t('reset.over.text')}</p>
      <Link to="/forgot-password" className="btn pri login-go">
        {t('reset.over.again')}
      </Link>
      <Link to="/login" className="btn login-go">
        {t('reset.login')}
      </Link>
    </Said>
  )
}

function Done({ link }: { link: ResetToken }) {
  const { t } = useWords()
  const invited = link.kind === 'invitation'
  return (
    <Said title={t(invited ? 'reset.invited.done' : 'reset.done')}>
      <p>{t(invited ? 'reset.invited.done.text' : 'reset.done.text', { email: link.email })}</p>
      <Link to="/login" className="btn pri login-go">
        {t('reset.login')}
      </Link>
    </Said>
  )
}

interface FormProps {
  token: string
  link: ResetToken
  onDone: () => void
  onSpent: () => void
}

function Form({ token, link, onDone, onSpent }: FormProps) {
  const words = useWords()
  const { t } = words
  const invited = link.kind === 'invitation'
  const sending = useSending()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const password = String(new FormData(event.currentTarget).get('password'))
    const wrong = passwordProblem(password, words)
    const run = async () => {
      await open.resetPassword(token, password, words.language)
      // If it was the account of this browser's own session, that one is over.
      void lookAgain()
      onDone()
    }
    const own = (error: unknown) => {
      if (!(error instanceof Refused) || error.status !== 401) return undefined
      onSpent()
      return true as const
    }
    void sending.send(wrong ? { password: wrong } : {}, run, own)
  }
  const welcome = link.full_name ? t('reset.invited.title', { name: link.full_name }) : t('reset.invited.title.plain')
  return (
    <>
      <h1>{invited ? welcome : t('reset.title')}</h1>
      <p className="mut">{t(invited ? 'reset.invited.text' : 'reset.text')}</p>
      <form className="form" onSubmit={submit} noValidate>
        <Trouble of={sending} />
        <TextField label={t('reset.account')} name="email" type="email" autoComplete="username" value={link.email} readOnly />
        <NewPassword
          label={t(invited ? 'reset.invited.password' : 'reset.password')}
          name="password"
          problem={sending.problems['password']}
          known={[link.email, link.full_name ?? '']}
        />
        <SendButton
          of={sending}
          className="login-go"
          label={t(invited ? 'reset.invited.go' : 'reset.go')}
          busy={t('reset.busy')}
        />
      </form>
    </>
  )
}
