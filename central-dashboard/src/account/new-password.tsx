import { useState, type ReactNode } from 'react'
import { useWords, type Words } from '~/i18n/words'
import { PasswordField } from '~/pages/login/password-field'
import { SHORTEST, strengthOf, type Strength } from './strength'
import './account.css'

const LEVELS: Strength[] = ['weak', 'fair', 'good', 'strong']

interface NewPasswordProps {
  label: ReactNode
  name: string
  problem: string | undefined
  /** What everybody knows of the person. */
  known: readonly string[]
}

/** A new password: typed once, since it can be looked at; how hard it is to guess is said while it is typed. */
export function NewPassword({ label, name, problem, known }: NewPasswordProps) {
  const { t } = useWords()
  const [typed, type] = useState('')
  return (
    <div className="new-password">
      <PasswordField
        label={label}
        name={name}
        hint={t('account.password.hint', { least: SHORTEST })}
        autoComplete="new-password"
        problem={problem}
        onChange={(event) => type(event.target.value)}
      />
      {typed ? <Meter strength={strengthOf(typed, known)} /> : null}
    </div>
  )
}

function Meter({ strength }: { strength: Strength }) {
  const { t } = useWords()
  const reached = LEVELS.indexOf(strength) + 1
  return (
    <div className={`strength ${strength}`}>
      <div className="strength-bars" aria-hidden="true">
        {LEVELS.map((level, at) => (
          <i key={level} className={at < reached ? 'full' : undefined} />
        ))}
      </div>
      <small role="status">
        {t(`account.strength.${strength}`, { least: SHORTEST })}
      </small>
    </div>
  )
}

/** What is wrong with it before the server is asked. */
export function passwordProblem(password: string, { t }: Words): string | undefined {
  if (!password) return t('account.password.missing')
  return strengthOf(password) === 'short' ? t('account.password.short', { least: SHORTEST }) : undefined
}
