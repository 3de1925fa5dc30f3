import { useId, useState, type FormEvent } from 'react'
import { CodeField } from '~/account/code-field'
import { useCodeForm } from '~/account/code-form'
import { goOn, showCode, useUser, type Challenge } from '~/api/session'
import { sessionEnd } from '~/api/session-end'
import { useWords } from '~/i18n/words'
import { wrongPassword } from '~/pages/login/wrong'
import { PasswordField } from '~/pages/login/password-field'
import { Dialog } from '~/ui/dialog'
import { TextField } from '~/ui/form'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { toast } from '~/ui/toast'

/** Another session for the same person, without leaving the page: the password is asked for, and the code where there is one. */
export default function Stay({ end, onClose }: { end: number; onClose: () => void }) {
  const { t, formats } = useWords()
  const [challenge, setChallenge] = useState<Challenge>()
  const stayed = () => {
    const next = sessionEnd()
    if (next) toast({ kind: 'success', text: t('ending.stayed', { until: formats.dateTime(new Date(next)) }) })
    onClose()
  }
  return challenge ? (
    <WithCode challenge={challenge} again={() => setChallenge(undefined)} stayed={stayed} onClose={onClose} />
  ) : (
    <WithPassword end={end} asked={setChallenge} stayed={stayed} onClose={onClose} />
  )
}

interface WithPasswordProps {
  end: number
  asked: (challenge: Challenge) => void
  stayed: () => void
  onClose: () => void
}

function WithPassword({ end, asked, stayed, onClose }: WithPasswordProps) {
  const { t, formats } = useWords()
  const { email } = useUser()
  const form = useId()
  const sending = useSending()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const password = String(new FormData(event.currentTarget).get('password'))
    if (!password) return
    const run = async () => {
      const challenge = await goOn(password)
      if (challenge) asked(challenge)
      else stayed()
    }
    void sending.send({}, run, (error) => (wrongPassword(error) ? { sentence: t('ending.wrong') } : undefined))
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('ending.title')}
      actions={
        <>
          <Later onClose={onClose} />
          <SendButton of={sending} form={form} label={t('ending.go')} busy={t('ending.go')} />
        </>
      }
    >
      <form id={form} className="form" onSubmit={submit} noValidate>
        <Trouble of={sending} />
        <p>
          {t('ending.said', { time: formats.time(new Date(end), true) })} {t('ending.text')}
        </p>
        <TextField label={t('ending.account')} name="email" type="email" autoComplete="username" value={email} readOnly />
        <PasswordField problem={undefined} />
      </form>
    </Dialog>
  )
}

interface WithCodeProps {
  challenge: Challenge
  again: () => void
  stayed: () => void
  onClose: () => void
}

function WithCode({ challenge, again, stayed, onClose }: WithCodeProps) {
  const { t } = useWords()
  const form = useId()
  const run = async (code: string) => {
    await showCode(challenge, code)
    stayed()
  }
  const { sending, submit, field } = useCodeForm({ run, over: again })
  if (challenge.wants === 'setup') {
    return (
      <Dialog open onClose={onClose} title={t('ending.title')} actions={<Later onClose={onClose} />}>
        <p>{t('ending.setup')}</p>
      </Dialog>
    )
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('ending.title')}
      actions={
        <>
          <Later onClose={onClose} />
          <SendButton of={sending} form={form} label={t('ending.go')} busy={t('ending.go')} />
        </>
      }
    >
      <form id={form} className="form" onSubmit={submit} noValidate>
        <Trouble of={sending} />
        <CodeField {...field} />
      </form>
    </Dialog>
  )
}

function Later({ onClose }: { onClose: () => void }) {
  const { t } = useWords()
  return (
    <button type="button" className="btn" onClick={onClose}>
      {t('ending.later')}
    </button>
  )
}
