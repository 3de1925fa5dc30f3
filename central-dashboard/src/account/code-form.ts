import { useState, type FormEvent } from 'react'
import { useWords } from '~/i18n/words'
import { useSending } from '~/ui/sending'
import { challengeIsOver, isWhole, wrongCode, type CodeKind } from './code'

interface Rules {
  run: (code: string) => Promise<void>
  /** What the password has opened is shut again. */
  over?: () => void
  /** A code of the application, and nothing else. */
  appOnly?: boolean
}

/** A form that asks for a code: what is typed, what is wrong with it, what is sent. */
export function useCodeForm({ run, over, appOnly = false }: Rules) {
  const { t } = useWords()
  const [kind, onKind] = useState<CodeKind>('app')
  const [value, onValue] = useState('')
  const sending = useSending()
  const app = kind === 'app'
  const own = (error: unknown) => {
    if (over && challengeIsOver(error)) {
      over()
      return true as const
    }
    if (!wrongCode(error)) return undefined
    onValue('')
    return { problems: { mfa_token: t(app ? 'account.code.wrong' : 'account.code.backup.wrong') } }
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const missing = t(app ? 'account.code.missing' : 'account.code.backup.missing')
    void sending.send(isWhole(value, kind) ? {} : { mfa_token: missing }, () => run(value), own)
  }
  const field = { kind, value, onValue, problem: sending.problems['mfa_token'], ...(appOnly ? {} : { onKind }) }
  return { sending, submit, field }
}
