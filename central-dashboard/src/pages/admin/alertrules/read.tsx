import type { AlertRules } from '~/api/admin'
import { LANGUAGE_NAMES } from '~/app/shell/choices'
import { useWords } from '~/i18n/words'
import { PanelHead } from '~/ui/page'
import { MESSAGES, THRESHOLDS } from './form'
import type { Field } from './rules'

/** What holds, for those who may see it and not change it. */
export function RulesRead({ rules }: { rules: AlertRules }) {
  const { t, formats } = useWords()
  const fact = (field: Field) => (
    <div key={field}>
      <dt>{t(`alertrules.${field}`)}</dt>
      <dd>{formats.decimal(rules[field], 2)}</dd>
    </div>
  )
  return (
    <>
      <section className="card">
        <PanelHead title={t('alertrules.thresholds')} note={t('alertrules.thresholds.note')} />
        {THRESHOLDS.map(({ of, fields }) => (
          <div key={of} className="rules-of">
            <h3>{t(`alertrules.of.${of}`)}</h3>
            <dl className="rules-facts">{fields.map(fact)}</dl>
          </div>
        ))}
      </section>
      <section className="card">
        <PanelHead title={t('alertrules.messages')} />
        <dl className="rules-facts">
          {MESSAGES.map(fact)}
          <div>
            <dt>{t('alertrules.language')}</dt>
            <dd>{LANGUAGE_NAMES[rules.language]}</dd>
          </div>
          <div>
            <dt>{t('alertrules.weekly_summary')}</dt>
            <dd>{t(rules.weekly_summary ? 'alertrules.on' : 'alertrules.off')}</dd>
          </div>
        </dl>
      </section>
    </>
  )
}
