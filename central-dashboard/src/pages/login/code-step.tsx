import { useState } from 'react'
import { CodeField } from '~/account/code-field'
import { useCodeForm } from '~/account/code-form'
import { TimeLeft } from '~/account/time-left'
import { showCode, type Challenge } from '~/api/session'
import { useWords } from '~/i18n/words'
import { SendButton, Trouble } from '~/ui/sending'
import { useSecondsUntil } from '~/ui/values'
import { Over } from './over'

interface CodeStepProps {
  email: string
  challenge: Challenge
  entered: () => void
  /** Back to the password. */
  again: () => void
}

/** The code after the password. */
export function CodeStep({ email, challenge, entered, again }: CodeStepProps) {
  const { t } = useWords()
  const [over, setOver] = useState<string>()
  const late = useSecondsUntil(challenge.until) === 0
  const done = over ?? (late ? t('login.code.late') : undefined)
  return (
    <>
      <h1>{t('login.code.title')}</h1>
      <p className="mut login-who">{t('login.code.who', { email })}</p>
      {done ? (
        <Over sentence={done} again={again} />
      ) : (
        <>
          <CodeForm challenge={challenge} entered={entered} over={setOver} />
          <div className="login-foot">
            <TimeLeft until={challenge.until} />
            <button type="button" className="link" onClick={again}>
              {t('login.code.back')}
            </button>
          </div>
        </>
      )}
    </>
  )
}

interface CodeFormProps {
  challenge: Challenge
  entered: () => void
  over: (sentence: string) => void
}

function CodeForm({ challenge, entered, over }: CodeFormProps) {
  const { t } = useWords()
  const run = async (code: string) => {
    await showCode(challenge, code)
    entered()
  }
  const { sending, submit, field } = useCodeForm({ run, over: () => over(t('login.code.over')) })
  return (
    <form className="form" onSubmit={submit} noValidate>
      <Trouble of={sending} />
      <CodeField {...field} autoFocus />
      <SendButton of={sending} className="login-go" label={t('login.code.go')} busy={t('login.code.busy')} />
    </form>
  )
}
