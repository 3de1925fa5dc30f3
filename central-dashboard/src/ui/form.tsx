/** Forms: visible labels, and errors that are said at the top and at the field. */
import { useEffect, useId, useRef, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from 'react'
import { Refused } from '~/api/errors'
import type { FieldProblem } from '~/api/types'
import { useWords, type Words } from '~/i18n/words'
import './form.css'

/** What is wrong, by the field's name. */
export type Problems = Record<string, string>

interface Shell {
  label: ReactNode
  name: string
  hint?: ReactNode
  problem?: string | undefined
}

type Wired = { id: string; 'aria-describedby': string | undefined; 'aria-invalid': boolean }

function Labelled({ label, name, hint, problem, children }: Shell & { children: (wired: Wired) => ReactNode }) {
  const id = useId()
  const described = [hint ? `${id}-hint` : '', problem ? `${id}-problem` : ''].filter(Boolean).join(' ')
  return (
    <div className="field" data-field={name}>
      <label htmlFor={id}>{label}</label>
      {hint ? <small id={`${id}-hint`}>{hint}</small> : null}
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': problem !== undefined })}
      {problem ? (
        <small id={`${id}-problem`} className="field-error">
          {problem}
        </small>
      ) : null}
    </div>
  )
}

export function TextField({ label, hint, problem, end, ...rest }: Shell & { end?: ReactNode } & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <Labelled label={label} hint={hint} problem={problem} name={rest.name}>
      {(wired) => (
        <span className="input-row">
          <input className="input" {...rest} {...wired} />
          {end}
        </span>
      )}
    </Labelled>
  )
}

export function TextArea({ label, hint, problem, ...rest }: Shell & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return (
    <Labelled label={label} hint={hint} problem={problem} name={rest.name}>
      {(wired) => <textarea className="input" rows={3} {...rest} {...wired} />}
    </Labelled>
  )
}

/** The browser's own list: it works everywhere, and with one thumb. */
export function SelectField({ label, hint, problem, children, ...rest }: Shell & SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <Labelled label={label} hint={hint} problem={problem} name={rest.name}>
      {(wired) => (
        <select className="input" {...rest} {...wired}>
          {children}
        </select>
      )}
    </Labelled>
  )
}

export function Check({ label, ...rest }: { label: ReactNode } & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <label className="check">
      <input type="checkbox" {...rest} />
      <span>{label}</span>
    </label>
  )
}

/** All that is wrong, linked to the fields; takes the focus whenever it changes. */
export function ErrorSummary({ problems, sentence }: { problems: Problems; sentence?: string | undefined }) {
  const { t } = useWords()
  const ref = useRef<HTMLDivElement>(null)
  const list = Object.entries(problems)
  const text = JSON.stringify([sentence, list])
  const shown = list.length > 0 || sentence !== undefined
  useEffect(() => {
    if (shown) ref.current?.focus()
  }, [text, shown])
  if (!shown) return null
  return (
    <div ref={ref} className="error-summary error" role="alert" tabIndex={-1}>
      <b>{sentence ?? t('ui.form.problems', { count: list.length })}</b>
      {list.length > 0 ? (
        <ul>
          {list.map(([field, problem]) => (
            <li key={field}>
              <a href={`#${field}`} onClick={(event) => toField(event, field)}>
                {problem}
              </a>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  )
}

/** The field of this form: the page under a dialog may have one of the same name. */
function toField(event: React.MouseEvent, field: string): void {
  event.preventDefault()
  const form = event.currentTarget.closest('form') ?? document
  form.querySelector<HTMLElement>(`[data-field="${CSS.escape(field)}"] :is(input,select,textarea)`)?.focus()
}

/** The server's list of wrong fields, as the form shows it. */
export function problemsOf(error: unknown, words: Words): Problems {
  if (!(error instanceof Refused)) return {}
  const said = ({ message, code, most }: FieldProblem) =>
    words.language === 'fr' ? message : words.t(`api.field.${code}`, { most: most ?? 0 })
  return Object.fromEntries((error.body.details ?? []).map((one) => [one.field, said(one)]))
}
