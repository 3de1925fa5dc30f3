/** A form on its way to the server: what is wrong with it, whether it is under way, how long another try has to wait. */
import { useState } from 'react'
import { say } from '~/api/errors'
import { useWords } from '~/i18n/words'
import { ErrorSummary, problemsOf, type Problems } from './form'
import { useSecondsUntil } from './values'

export interface Wrong {
  problems?: Problems
  sentence?: string | undefined
}

export interface Sending extends Required<Wrong> {
  busy: boolean
  /** So many seconds until another try is worth it. */
  seconds: number
  /**
   * Sends it, unless something is wrong with it already. `own` has words of the form's own for a refusal, or `true` for one
   * that it has dealt with.
   */
  send: (found: Problems, run: () => Promise<void>, own?: (error: unknown) => Wrong | true | undefined) => Promise<void>
}

export function useSending(): Sending {
  const words = useWords()
  const [{ problems = {}, sentence }, setWrong] = useState<Wrong>({})
  const [busy, setBusy] = useState(false)
  const [until, waitUntil] = useState<number>()
  const seconds = useSecondsUntil(until)
  const send: Sending['send'] = async (found, run, own) => {
    setWrong({ problems: found })
    if (Object.keys(found).length > 0) return
    setBusy(true)
    try {
      await run()
    } catch (error) {
      const special = own?.(error)
      if (special === true) return
      const said = say(error, words)
      const refused = problemsOf(error, words)
      // What is wrong with the fields is all there is to say.
      const isAll = Object.keys(refused).length > 0
      setWrong(special ?? { problems: refused, sentence: isAll ? undefined : said.sentence })
      waitUntil(said.until)
    } finally {
      setBusy(false)
    }
  }
  return { problems, sentence, busy, seconds, send }
}

/** What is wrong, at the top of the form. */
export function Trouble({ of }: { of: Sending }) {
  return <ErrorSummary problems={of.problems} sentence={of.sentence} />
}

interface SendButtonProps {
  of: Sending
  /** The act, and the same while it happens. */
  label: string
  busy: string
  className?: string
  /** The form's id, for a button that stands elsewhere. */
  form?: string
  danger?: boolean
  /** Why it cannot be sent now. */
  reason?: string | undefined
}

export function SendButton({ of: { busy: under, seconds }, label, busy, className = '', form, danger, reason }: SendButtonProps) {
  const { t } = useWords()
  return (
    <button
      type="submit"
      form={form}
      className={`btn pri ${danger ? 'dng ' : ''}${className}`}
      disabled={under || seconds > 0 || reason !== undefined}
      title={reason}
    >
      {seconds > 0 ? t('ui.retry.wait', { seconds }) : under ? busy : label}
    </button>
  )
}
