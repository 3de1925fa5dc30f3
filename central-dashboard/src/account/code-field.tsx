import { useState } from 'react'
import { useWords } from '~/i18n/words'
import { TextField } from '~/ui/form'
import { backupCode, onlyDigits, type CodeKind } from './code'
import './account.css'

interface CodeFieldProps {
  kind: CodeKind
  /** Where both are taken: changes to the other one. */
  onKind?: (kind: CodeKind) => void
  value: string
  onValue: (value: string) => void
  problem: string | undefined
  autoFocus?: boolean
}

/** Six digits of an application, or one of the codes that were kept for the day without it. */
export function CodeField({ kind, onKind, value, onValue, problem, autoFocus }: CodeFieldProps) {
  const { t } = useWords()
  const app = kind === 'app'
  const change = (typed: string) => onValue(app ? onlyDigits(typed) : backupCode(typed))
  const [turned, setTurned] = useState(false)
  const turn = () => {
    setTurned(true)
    onValue('')
    onKind?.(app ? 'backup' : 'app')
  }
  return (
    <div className="code">
      <TextField
        // Another kind is another field: the keyboard of a phone changes with it.
        key={kind}
        label={t(app ? 'account.code' : 'account.code.backup')}
        hint={t(app ? 'account.code.hint' : 'account.code.backup.hint')}
        name="mfa_token"
        className="input code-input"
        inputMode={app ? 'numeric' : 'text'}
        autoComplete={app ? 'one-time-code' : 'off'}
        autoCapitalize="characters"
        spellCheck={false}
        autoFocus={autoFocus === true || turned}
        value={value}
        onChange={(event) => change(event.target.value)}
        problem={problem}
      />
      {onKind ? (
        <button type="button" className="link code-turn" onClick={turn}>
          {t(app ? 'account.code.use_backup' : 'account.code.use_app')}
        </button>
      ) : null}
    </div>
  )
}
