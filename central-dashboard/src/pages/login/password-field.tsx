import { useState } from 'react'
import { useWords } from '~/i18n/words'
import { TextField } from '~/ui/form'
import './password-field.css'

/** A password that can be looked at before it is sent. */
export function PasswordField({ problem }: { problem: string | undefined }) {
  const { t } = useWords()
  const [shown, show] = useState(false)
  return (
    <TextField
      label={t('login.password')}
      name="password"
      type={shown ? 'text' : 'password'}
      autoComplete="current-password"
      problem={problem}
      end={
        <button type="button" className="login-show" aria-pressed={shown} onClick={() => show(!shown)}>
          {shown ? t('login.hide') : t('login.show')}
        </button>
      }
    />
  )
}
