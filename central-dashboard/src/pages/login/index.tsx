import { getRouteApi, useRouter } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { useSession, type Challenge } from '~/api/session'
import { safeReturn } from '~/app/return-url'
import { useWords } from '~/i18n/words'
import { CodeStep } from './code-step'
import { Frame } from './frame'
import { PasswordStep } from './password-step'

const SetUpStep = lazy(() => import('./set-up-step'))

const route = getRouteApi('/login')

interface Proven {
  email: string
  challenge: Challenge
}

/** Address and password; then the code, or what makes codes, for whom that is asked. */
export function Page() {
  const { t } = useWords()
  const { returnUrl } = route.useSearch()
  const router = useRouter()
  const session = useSession()
  const [email, setEmail] = useState('')
  const [proven, setProven] = useState<Proven>()
  const ended = session.state === 'out' && session.why === 'ended'
  const enter = () => router.navigate({ href: safeReturn(returnUrl), replace: true })
  const onPassword = async (typed: string, challenge: Challenge | undefined) => {
    setEmail(typed)
    if (challenge) setProven({ email: typed, challenge })
    else await enter()
  }
  const step = { again: () => setProven(undefined), entered: () => void enter() }
  if (proven?.challenge.wants === 'code') {
    return (
      <Frame name={t('login.title')}>
        <CodeStep {...proven} {...step} />
      </Frame>
    )
  }
  if (proven) {
    return (
      <Frame name={t('login.title')} wide>
        <Suspense>
          <SetUpStep {...proven} {...step} />
        </Suspense>
      </Frame>
    )
  }
  return (
    <Frame name={t('login.title')}>
      <h1>{t('login.title')}</h1>
      <p className="mut">{ended ? t('login.ended') : t('login.subtitle')}</p>
      <PasswordStep email={email} onPassword={onPassword} />
    </Frame>
  )
}
