import { useState, type InputHTMLAttributes, type ReactNode } from 'react'
import { useWords } from '~/i18n/words'
import { TextField } from '~/ui/form'
import './password-field.css'

type PasswordFieldProps = {
  problem: string | undefined
  label?: ReactNode
  hint?: ReactNode
  name?: string
} & Omit<InputHTMLAttributes<HTMLInputElement>, 'type' | 'name'>

/** A password that can be looked at before it is sent. */
export function PasswordField({ label, name = 'password', ...rest }: PasswordFieldProps) {
  const { t } = useWords()
  const [shown, show] = useState(false)
  return (
    <TextField
      autoComplete="current-password"
      {...rest}
      label={label ?? t('login.password')}
      name={name}
      type={shown ? 'text' : 'password'}
      autoCapitalize="none"
      spellCheck={false}
      end={
        <button type="button" className="login-show" aria-pressed={shown} onClick={() => show(!shown)}>
          {shown ? t('login.hide') : t('login.show')}
        </button>
      }
    />
  )
}
