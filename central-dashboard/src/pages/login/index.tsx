import { getRouteApi, useRouter } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { useSession, type Challenge } from '~/api/session'
import { safeReturn } from '~/app/return-url'
import { useWords } from '~/i18n/words'
import { CodeStep } from './code-step'
import { Frame } from './frame'
import { keep, kept, type Proven } from './kept'
import { PasswordStep } from './password-step'

const SetUpStep = lazy(() => import('./set-up-step'))

const route = getRouteApi('/login')

/** Address and password; then the code, or what makes codes, for whom that is asked. */
export function Page() {
  const { t } = useWords()
  const { returnUrl } = route.useSearch()
  const router = useRouter()
  const session = useSession()
  const [proven, setProven] = useState(kept)
  const [email, setEmail] = useState(proven?.email ?? '')
  const ended = session.state === 'out' && session.why === 'ended'
  const go = (next: Proven | undefined) => {
    keep(next)
    setProven(next)
  }
  const enter = () => {
    keep(undefined)
    return router.navigate({ href: safeReturn(returnUrl), replace: true })
  }
  const onPassword = async (typed: string, challenge: Challenge | undefined) => {
    setEmail(typed)
    if (challenge) go({ email: typed, challenge })
    else await enter()
  }
  const step = { again: () => go(undefined), entered: () => void enter() }
  if (proven?.challenge.wants === 'code') {
    return (
      <Frame name={t('login.code.title')}>
        <CodeStep {...proven} {...step} />
      </Frame>
    )
  }
  if (proven) {
    return (
      <Frame name={t('login.setup.title')} wide>
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
