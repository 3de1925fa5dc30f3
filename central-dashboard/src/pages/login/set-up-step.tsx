import { useState } from 'react'
import { challengeIsOver } from '~/account/code'
import { SetUpSteps } from '~/account/set-up'
import { TimeLeft } from '~/account/time-left'
import { say } from '~/api/errors'
import { setUpAtLogin, showCode, type Challenge, type SetUp } from '~/api/session'
import { useWords } from '~/i18n/words'
import { ErrorSummary } from '~/ui/form'
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
  const words = useWords()
  const { t } = words
  const [busy, setBusy] = useState(false)
  const [sentence, setSentence] = useState<string>()
  const begin = async () => {
    setBusy(true)
    setSentence(undefined)
    try {
      made(await setUpAtLogin(challenge))
    } catch (error) {
      if (challengeIsOver(error)) over(t('login.code.over'))
      else setSentence(say(error, words).sentence)
    } finally {
      setBusy(false)
    }
  }
  return (
    <div className="form">
      <ErrorSummary problems={{}} sentence={sentence} />
      <p>{t('login.setup.text')}</p>
      <button type="button" className="btn pri login-go" disabled={busy} autoFocus onClick={() => void begin()}>
        {t('login.setup.begin')}
      </button>
    </div>
  )
}
