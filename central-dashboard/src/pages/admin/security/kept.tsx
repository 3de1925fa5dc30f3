/** For how long what is kept, and how much of the database's room is used. */
import { useQuery } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { adminReads, type Retention } from '~/api/admin'
import { useUser } from '~/api/session'
import { mayRule } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { TextField, type Problems } from '~/ui/form'
import { Crossed } from '~/ui/edits'
import { Panel } from '~/ui/page'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { Level } from '../level'
import { useSetting } from '../use-setting'
import { FIELDS, isShorter, numbersIn, RANGES, textsOf, valuesIn, type Texts } from './keeping'

export function Kept() {
  const { t } = useWords()
  const query = useQuery(adminReads.retention())
  // What is typed stays while the times are read again; what was saved begins a new form.
  const [round, next] = useState(0)
  return (
    <Panel title={t('security.kept.title')} note={t('security.kept.note')} query={query} rows={6}>
      {(kept) => <Times key={round} kept={kept} saved={() => next((before) => before + 1)} />}
    </Panel>
  )
}

function Times({ kept, saved }: { kept: Retention; saved: () => void }) {
  const words = useWords()
  const { t, formats } = words
  const rules = mayRule(useUser().role)
  const offline = useReadOnly()
  const sending = useSending()
  const { edit, save } = useSetting(kept, {
    path: '/api/settings/retention',
    read: adminReads.retention(),
    textsOf,
    valuesIn,
    // What a shorter time has deleted meanwhile does not come back by the way back.
    said: t('security.kept.saved'),
    saved,
  })
  const [texts, setTexts] = useState<Texts>(textsOf(kept))
  const wanted = numbersIn(texts)
  const changed = edit.changed(texts).length > 0
  const reason = offline ?? (wanted && !changed ? t('security.kept.same') : undefined)
  const wrong: Problems = Object.fromEntries(
    FIELDS.filter((field) => numbersIn({ ...textsOf(kept), [field]: texts[field] }) === undefined).map((field) => {
      const [least, most] = RANGES[field]
      return [field, t('security.kept.wrong', { least: formats.number(least), most: formats.number(most) })]
    }),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void sending.send(wrong, () => save(texts), (error) => (error instanceof Crossed ? error.said(words) : undefined))
  }
  return (
    <form className="form rule" onSubmit={submit} noValidate>
      <Trouble of={sending} />
      <Used />
      {FIELDS.map((field) =>
        rules ? (
          <div key={field} className="rule-days">
            <TextField
              label={t(`security.kept.${field}`)}
              hint={t(field === 'database_limit_mb' ? 'security.kept.range_room' : 'security.kept.range', {
                least: formats.number(RANGES[field][0]),
                most: formats.number(RANGES[field][1]),
              })}
              name={field}
              inputMode="numeric"
              autoComplete="off"
              value={texts[field]}
              problem={wrong[field] ?? sending.problems[field]}
              onChange={(event) => setTexts({ ...texts, [field]: event.target.value })}
            />
          </div>
        ) : (
          <dl key={field} className="kept-fact">
            <dt>{t(`security.kept.${field}`)}</dt>
            <dd>{formats.number(kept[field])}</dd>
          </dl>
        ),
      )}
      {rules ? (
        <div className="rule-end">
          <p role="status">{wanted && isShorter(kept, wanted) ? t('security.kept.shorter') : null}</p>
          <SendButton of={sending} label={t('security.kept.save')} busy={t('users.form.busy')} reason={reason} />
        </div>
      ) : null}
    </form>
  )
}

/** How large the database is, beside its limit. */
function Used() {
  const { t, formats } = useWords()
  const { data } = useQuery(adminReads.storage())
  if (!data) return null
  const { database_bytes: used, database_limit_bytes: limit, database_level: level } = data
  const bytes = formats.bytes(used)
  return (
    <div>
      <p>
        {typeof limit === 'number' ? t('security.kept.used_of', { bytes, limit: formats.bytes(limit) }) : t('security.kept.used', { bytes })}
      </p>
      <Level of={level}>{(reached) => t(`security.kept.${reached}`)}</Level>
    </div>
  )
}
