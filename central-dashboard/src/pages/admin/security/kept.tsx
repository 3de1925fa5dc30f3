/** For how long what is kept, and how much of the database's room is used. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { adminReads, type Retention, type StorageUse } from '~/api/admin'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { useUser } from '~/api/session'
import { mayRule } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { TextField } from '~/ui/form'
import { Panel } from '~/ui/page'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { Shape } from '~/ui/state'
import { toast } from '~/ui/toast'
import { changedIn, FIELDS, isShorter, numbersIn, RANGES, textsOf, type Field, type Texts } from './keeping'

export function Kept() {
  const { t } = useWords()
  const query = useQuery(adminReads.retention())
  return (
    <Panel title={t('security.kept.title')} note={t('security.kept.note')} query={query} rows={6}>
      {(kept) => <Times key={JSON.stringify(kept)} kept={kept} />}
    </Panel>
  )
}

function Times({ kept }: { kept: Retention }) {
  const { t } = useWords()
  const rules = mayRule(useUser().role)
  const offline = useReadOnly()
  const sending = useSending()
  const save = useSave(kept)
  const [texts, setTexts] = useState<Texts>(textsOf(kept))
  const wanted = numbersIn(texts)
  const changed = wanted !== undefined && changedIn(kept, wanted)
  const reason = offline ?? (wanted && !changed ? t('security.kept.same') : undefined)
  const problemOf = (field: Field) => {
    const [least, most] = RANGES[field]
    const isWrong = numbersIn({ ...textsOf(kept), [field]: texts[field] }) === undefined
    return isWrong ? t('security.kept.wrong', { least, most }) : sending.problems[field]
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!wanted) return
    void sending.send({}, async () => {
      await save(wanted)
      document.querySelector('h1')?.focus()
    })
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
                least: RANGES[field][0],
                most: RANGES[field][1],
              })}
              name={field}
              inputMode="numeric"
              autoComplete="off"
              value={texts[field]}
              problem={problemOf(field)}
              onChange={(event) => setTexts({ ...texts, [field]: event.target.value })}
            />
          </div>
        ) : (
          <p key={field}>
            {t(`security.kept.${field}`)}: <b>{kept[field]}</b>
          </p>
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
  const { t } = useWords()
  const { data } = useQuery(adminReads.storage())
  return data ? <Size use={data} says={data.database_level === 'ok' ? undefined : t(`security.kept.${data.database_level}`)} /> : null
}

function Size({ use, says }: { use: StorageUse; says: string | undefined }) {
  const { t, formats } = useWords()
  const bytes = formats.bytes(use.database_bytes)
  const limit = use.database_limit_bytes
  return (
    <p>
      {typeof limit === 'number' ? t('security.kept.used_of', { bytes, limit: formats.bytes(limit) }) : t('security.kept.used', { bytes })}
      {says ? (
        <span className="state">
          <Shape state="warning" />
          {says}
        </span>
      ) : null}
    </p>
  )
}

function useSave(kept: Retention) {
  const client = useQueryClient()
  const words = useWords()
  const renew = () => client.invalidateQueries({ queryKey: ['settings'] })
  const put = (wanted: Retention) => act('PUT', '/api/settings/retention', wanted).then(renew)
  return async (wanted: Retention) => {
    await put(wanted)
    const undo = () => void put(kept).catch((error: unknown) => toast({ kind: 'error', text: say(error, words).sentence }))
    // What a shorter time has deleted meanwhile does not come back by this.
    toast({ kind: 'success', text: words.t('security.kept.saved'), undo })
  }
}
