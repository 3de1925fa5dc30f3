import { useQuery } from '@tanstack/react-query'
import { ownReads, type SecondFactor } from '~/api/account'
import { useUser } from '~/api/session'
import { useWords, type Words } from '~/i18n/words'
import { PageHeader } from '~/ui/page'
import { ChoicesPanel } from './choices'
import { IdentityPanel } from './identity'
import { NoticesPanel } from './notices'
import { PasswordPanel } from './password'
import { graceOf, SecondFactorPanel } from './second-factor'
import { SessionsPanel } from './sessions'
import { TokensPanel } from './tokens'
import './profile.css'

/** One's own account: how well it is protected, where it is open, and what acts in its name. */
export function Page() {
  const words = useWords()
  const { t } = words
  const { email } = useUser()
  const { data } = useQuery(ownReads.secondFactor())
  return (
    <>
      <PageHeader title={answer(data, words)} document={t('profile.title')} crumb={t('profile.title')}>
        {email}
      </PageHeader>
      <div className="profile">
        <div className="col">
          <SecondFactorPanel />
          <SessionsPanel />
          <TokensPanel />
        </div>
        <div className="col">
          <IdentityPanel />
          <PasswordPanel />
          <ChoicesPanel />
          <NoticesPanel />
        </div>
      </div>
    </>
  )
}

function answer(factor: SecondFactor | undefined, { t, formats }: Words): string {
  if (!factor) return t('profile.title')
  if (factor.enabled) return t('profile.answer.on')
  if (!factor.required) return t('profile.answer.off')
  const until = graceOf(factor)
  return until ? t('profile.answer.required', { date: formats.date(until) }) : t('profile.answer.overdue')
}
