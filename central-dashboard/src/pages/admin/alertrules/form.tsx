import { useState, type FormEvent } from 'react'
import { adminReads, type AlertRules } from '~/api/admin'
import { useReadOnly } from '~/app/preferences'
import { LANGUAGE_NAMES } from '~/app/shell/choices'
import { LANGUAGES, useWords, type Words } from '~/i18n/words'
import { Crossed } from '~/ui/edits'
import { Check, SelectField, TextField, type Problems } from '~/ui/form'
import { PanelHead } from '~/ui/page'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { useSetting } from '../use-setting'
import { FIELDS, RANGES, rulesIn, textsOf, wrongIn, type Field, type Texts } from './rules'

/** The thresholds by what they are of: a warning and, mostly, from when on it is critical. */
export const THRESHOLDS: readonly { of: string; fields: readonly Field[] }[] = [
  { of: 'offline', fields: ['offline_minutes', 'offline_critical_minutes'] },
  { of: 'temperature', fields: ['temperature_warning', 'temperature_critical'] },
  { of: 'disk', fields: ['disk_warning', 'disk_critical'] },
  { of: 'memory', fields: ['memory_warning'] },
]
export const MESSAGES: readonly Field[] = ['minutes_between', 'repeat_hours', 'mails_per_day']

/** What holds, to be changed; `saved` is told when something else holds. */
export function RulesForm({ rules, saved }: { rules: AlertRules; saved: () => void }) {
  const words = useWords()
  const { t, language } = words
  const offline = useReadOnly()
  const sending = useSending()
  const [texts, setTexts] = useState(() => textsOf(rules, language))
  const { edit, save } = useSetting(rules, {
    path: '/api/settings/alerts',
    read: adminReads.alertRules(),
    textsOf: (value) => textsOf(value, language),
    valuesIn: rulesIn,
    shown: (field, text) => spoken(field, text, words),
    said: t('alertrules.saved'),
    saved,
  })
  const changed = edit.changed(texts)
  const problemOf = (field: Field) => said(field, texts, words) ?? sending.problems[field]
  const found = (): Problems =>
    Object.fromEntries(FIELDS.flatMap((field) => (wrongIn(field, texts) ? [[field, said(field, texts, words) ?? '']] : [])))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void sending.send(found(), () => save(texts), (error) => (error instanceof Crossed ? error.said(words) : undefined))
  }
  const field = (name: Field) => (
    <NumberField key={name} name={name} value={texts[name]} problem={problemOf(name)} set={(text) => setTexts({ ...texts, [name]: text })} />
  )
  return (
    <form className="col" onSubmit={submit} noValidate>
      <Trouble of={sending} />
      <section className="card">
        <PanelHead title={t('alertrules.thresholds')} note={t('alertrules.thresholds.note')} />
        {THRESHOLDS.map(({ of, fields }) => (
          <fieldset key={of} className="rules-of">
            <legend>{t(`alertrules.of.${of}`)}</legend>
            <p>{t(`alertrules.of.${of}.text`)}</p>
            <div className="rules-fields">{fields.map(field)}</div>
          </fieldset>
        ))}
      </section>
      <section className="card">
        <PanelHead title={t('alertrules.messages')} />
        <div className="rules-fields">
          {MESSAGES.map(field)}
          <SelectField
            label={t('alertrules.language')}
            hint={t('alertrules.language.text')}
            name="language"
            value={texts.language}
            problem={sending.problems['language']}
            onChange={(event) => setTexts({ ...texts, language: event.target.value as Texts['language'] })}
          >
            {LANGUAGES.map((one) => (
              <option key={one} value={one} lang={one}>
                {LANGUAGE_NAMES[one]}
              </option>
            ))}
          </SelectField>
        </div>
        <div className="form rules-weekly">
          <Check
            label={t('alertrules.weekly_summary')}
            name="weekly_summary"
            checked={texts.weekly_summary}
            onChange={(event) => setTexts({ ...texts, weekly_summary: event.target.checked })}
          />
        </div>
      </section>
      <div className="rules-end">
        <p role="status">{changed.length > 0 ? t('alertrules.changed', { count: changed.length }) : null}</p>
        <SendButton
          of={sending}
          label={t('alertrules.save')}
          busy={t('users.form.busy')}
          reason={offline ?? (changed.length === 0 ? t('alertrules.same') : undefined)}
        />
      </div>
    </form>
  )
}

function NumberField(props: { name: Field; value: string; problem: string | undefined; set: (text: string) => void }) {
  const { t } = useWords()
  const { name, value, problem, set } = props
  return (
    <TextField
      label={t(`alertrules.${name}`)}
      hint={t(`alertrules.${name}.text`, between(name, useWords()))}
      name={name}
      inputMode={RANGES[name].decimals ? 'decimal' : 'numeric'}
      autoComplete="off"
      value={value}
      problem={problem}
      onChange={(event) => set(event.target.value)}
    />
  )
}

const between = (field: Field, { formats }: Words) => ({
  least: formats.number(RANGES[field].least),
  most: formats.number(RANGES[field].most),
})

/** What is wrong with a field as it stands, in words. */
function said(field: Field, texts: Texts, words: Words): string | undefined {
  const wrong = wrongIn(field, texts)
  if (wrong === undefined) return undefined
  if (wrong === 'below') return words.t('alertrules.below')
  return words.t(RANGES[field].decimals ? 'alertrules.wrong.decimal' : 'alertrules.wrong', between(field, words))
}

/** What somebody else chose, as this form shows it. */
function spoken(field: string, value: string, { t }: Words): string {
  if (field === 'weekly_summary') return t(value === 'true' ? 'alertrules.on' : 'alertrules.off')
  return LANGUAGES.flatMap((one) => (field === 'language' && one === value ? [LANGUAGE_NAMES[one]] : []))[0] ?? value
}
