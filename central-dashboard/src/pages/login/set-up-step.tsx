import { useState, type FormEvent } from 'react'
import { challengeIsOver } from '~/account/code'
import { SetUpSteps } from '~/account/set-up'
import { TimeLeft } from '~/account/time-left'
import { setUpAtLogin, showCode, type Challenge, type SetUp } from '~/api/session'
import { useWords } from '~/i18n/words'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { useSecondsUntil } from '~/ui/values'
import { Over } from './over'

interface SetUpStepProps {
  email: string
  challenge: Challenge
  entered: () => void
  again: () => void
}

/** Whose role has to have a second factor, and who has had the time to set one up, does it now. */
export default function SetUpStep({ email, challenge, entered, again }: SetUpStepProps) {
  const { t } = useWords()
  const [over, setOver] = useState<string>()
  const [made, setMade] = useState<SetUp>()
  const late = useSecondsUntil(challenge.until) === 0
  const done = over ?? (late ? t('login.setup.late') : undefined)
  const enable = async (code: string) => {
    try {
      await showCode(challenge, code)
    } catch (error) {
      if (!challengeIsOver(error)) throw error
      return setOver(t('login.code.over'))
    }
    entered()
  }
  return (
    <>
      <h1>{t('login.setup.title')}</h1>
      <p className="mut login-who">{t('login.setup.who', { email })}</p>
      {done ? (
        <Over sentence={done} again={again} />
      ) : (
        <>
          {made ? (
            <SetUpSteps level="h2" made={made} email={email} enable={enable} />
          ) : (
            <Beginning challenge={challenge} made={setMade} over={setOver} />
          )}
          <div className="login-foot">
            <TimeLeft until={challenge.until} />
          </div>
        </>
      )}
    </>
  )
}

interface BeginningProps {
  challenge: Challenge
  made: (made: SetUp) => void
  over: (sentence: string) => void
}

/** What it takes, before the clock of the first code runs. */
function Beginning({ challenge, made, over }: BeginningProps) {
  const { t } = useWords()
  const sending = useSending()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const own = (error: unknown) => {
      if (!challengeIsOver(error)) return undefined
      over(t('login.code.over'))
      return true as const
    }
    void sending.send({}, async () => made(await setUpAtLogin(challenge)), own)
  }
  return (
    <form className="form" onSubmit={submit}>
      <Trouble of={sending} />
      <p>{t('login.setup.text')}</p>
      <SendButton of={sending} className="login-go" label={t('login.setup.begin')} busy={t('login.setup.begin')} />
    </form>
  )
}
