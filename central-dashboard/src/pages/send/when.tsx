import { useEffect, useId, useState } from 'react'
import { useWords } from '~/i18n/words'
import { PanelHead } from '~/ui/page'
import { useChoose, type Chosen } from './chosen'
import { Heading } from './heading'

interface WhenProps {
  chosen: Chosen
  problem: string | undefined
  onProblem: (problem: string | undefined) => void
}

/** Third step: put there or take away, now or on a day. */
export function When({ chosen, problem, onProblem }: WhenProps) {
  const { t } = useWords()
  const choose = useChoose()
  const action = useId()
  return (
    <section className="card" id="when">
      <PanelHead title={<Heading step={3}>{t('send.when')}</Heading>} />
      <fieldset className="choice">
        <legend>{t('send.action')}</legend>
        {(['install', 'remove'] as const).map((one) => (
          <label key={one} className={chosen.action === one ? 'option chosen' : 'option'}>
            <input type="radio" name={action} checked={chosen.action === one} onChange={() => choose.action(one)} />
            <span>
              <b>{t(`send.action.${one}`)}</b>
              <small>{t(`send.action.${one}.text`)}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <Moment chosen={chosen} problem={problem} onProblem={onProblem} />
    </section>
  )
}

function Moment({ chosen, problem, onProblem }: WhenProps) {
  const words = useWords()
  const { t } = words
  const choose = useChoose()
  const group = useId()
  const field = useId()
  const [later, setLater] = useState(chosen.at !== undefined)
  const [text, setText] = useState(chosen.at ? localText(chosen.at) : '')
  useEffect(() => {
    const at = new Date(text)
    const wrong = later && (Number.isNaN(at.getTime()) || at.getTime() <= Date.now() || at.getFullYear() > new Date().getFullYear() + 10)
    onProblem(wrong ? t(text ? 'send.at.past' : 'send.at.missing') : undefined)
  }, [later, text, t, onProblem])
  const turn = (on: boolean) => {
    setLater(on)
    const suggested = tomorrow()
    if (on && text === '') setText(localText(suggested))
    choose.at(on ? (text === '' ? suggested : valid(text)) : undefined)
  }
  return (
    <fieldset className="choice">
      <legend>{t('send.moment')}</legend>
      <label className={later ? 'option' : 'option chosen'}>
        <input type="radio" name={group} checked={!later} onChange={() => turn(false)} />
        <span>
          <b>{t('send.now')}</b>
          <small>{t('send.now.text')}</small>
        </span>
      </label>
      <label className={later ? 'option chosen' : 'option'}>
        <input type="radio" name={group} checked={later} onChange={() => turn(true)} />
        <span>
          <b>{t('send.later')}</b>
          <small>{t('send.later.text')}</small>
        </span>
      </label>
      {later ? (
        <div className="field moment">
          <label htmlFor={field}>{t('send.at')}</label>
          <input
            id={field}
            className="input"
            type="datetime-local"
            value={text}
            min={localText(new Date())}
            aria-invalid={problem !== undefined}
            aria-describedby={`${field}-zone`}
            onChange={(event) => {
              setText(event.target.value)
              choose.at(valid(event.target.value))
            }}
          />
          <small id={`${field}-zone`}>{problem ? <b className="red">{problem}</b> : t('send.zone', { zone: zoneName(valid(text) ?? new Date(), words.language) })}</small>
        </div>
      ) : null}
    </fieldset>
  )
}

function valid(text: string): Date | undefined {
  const at = new Date(text)
  return Number.isNaN(at.getTime()) ? undefined : at
}

/** Tomorrow at seven in the morning. */
function tomorrow(): Date {
  const at = new Date()
  at.setDate(at.getDate() + 1)
  at.setHours(7, 0, 0, 0)
  return at
}

/** As the browser's field wants it: local, without a zone. */
function localText(at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`
}

/** The reader's zone at that moment, with the difference: `Europe/Paris, UTC+1`. */
export function zoneName(at: Date, language: string): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()
  const parts = new Intl.DateTimeFormat(language, { timeZoneName: 'shortOffset' }).formatToParts(at)
  return `${timeZone}, ${parts.find((part) => part.type === 'timeZoneName')?.value ?? ''}`
}
