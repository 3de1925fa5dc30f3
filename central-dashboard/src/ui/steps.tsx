/** The steps of something longer: where one is, what is done. */
import { useWords } from '~/i18n/words'
import { Icon } from './icons'
import './steps.css'

export interface Step {
  label: string
  state: 'done' | 'current' | 'next'
  /** Goes back to it; only for what is done. */
  go?: (() => void) | undefined
}

export function Steps({ steps, label }: { steps: Step[]; label: string }) {
  const { t } = useWords()
  return (
    <ol className="steps" aria-label={label}>
      {steps.map((step, at) => (
        <li key={step.label} className={step.state} aria-current={step.state === 'current' ? 'step' : undefined}>
          <i aria-hidden="true">{step.state === 'done' ? <Icon name="check" /> : at + 1}</i>
          {step.go && step.state === 'done' ? (
            <button type="button" onClick={step.go}>
              {step.label}
            </button>
          ) : (
            <span>{step.label}</span>
          )}
          {step.state === 'done' ? <span className="vh">{t('ui.step.done')}</span> : null}
        </li>
      ))}
    </ol>
  )
}
