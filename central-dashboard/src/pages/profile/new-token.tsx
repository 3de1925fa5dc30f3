import { useQueryClient } from '@tanstack/react-query'
import { useBlocker } from '@tanstack/react-router'
import { useId, useState, type FormEvent } from 'react'
import { own, ownReads, type NewToken, type TokenScope } from '~/api/account'
import { useUser } from '~/api/session'
import type { Role } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { Check, SelectField, TextField, type Problems } from '~/ui/form'
import { CopyButton } from '~/ui/keep'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { scopesFor } from './scopes'

const DAYS = [30, 90, 180, 365] as const

/** A token for a program: what it may do and until when; then the token itself, this once. */
export function NewTokenDialog({ close }: { close: () => void }) {
  const [made, setMade] = useState<NewToken>()
  return made ? <Shown token={made} close={close} /> : <Wish close={close} made={setMade} />
}

function Wish({ close, made }: { close: () => void; made: (token: NewToken) => void }) {
  const words = useWords()
  const { t, formats } = words
  const id = useId()
  const client = useQueryClient()
  const { role } = useUser()
  const sending = useSending()
  const { problems } = sending
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const name = String(form.get('name') ?? '').trim()
    const scopes = form.getAll('scopes') as TokenScope[]
    void sending.send(missing(name, scopes, words), async () => {
      made(await own.makeToken(name, scopes, Number(form.get('expires_in_days'))))
      void client.invalidateQueries({ queryKey: ownReads.tokens().queryKey })
    })
  }
  const until = (days: number) => formats.date(new Date(Date.now() + days * 86_400_000))
  return (
    <Dialog
      open
      onClose={close}
      title={t('profile.tokens.make')}
      actions={
        <>
          <button type="button" className="btn" onClick={close}>
            {t('ui.keep')}
          </button>
          <SendButton
            of={sending}
            form={id}
            label={t('profile.tokens.make.act')}
            busy={t('profile.tokens.make.busy')}
            reason={useReadOnly()}
          />
        </>
      }
    >
      <form id={id} className="form" onSubmit={submit} noValidate>
        <Trouble of={sending} />
        <TextField
          label={t('profile.tokens.name')}
          hint={t('profile.tokens.name.hint')}
          name="name"
          autoComplete="off"
          maxLength={100}
          problem={problems['name']}
        />
        <Scopes role={role} problem={problems['scopes']} />
        <SelectField
          label={t('profile.tokens.lasts')}
          name="expires_in_days"
          defaultValue={90}
          problem={problems['expires_in_days']}
        >
          {DAYS.map((days) => (
            <option key={days} value={days}>
              {t('profile.tokens.days', { count: days, date: until(days) })}
            </option>
          ))}
        </SelectField>
      </form>
    </Dialog>
  )
}

function Scopes({ role, problem }: { role: Role; problem: string | undefined }) {
  const { t } = useWords()
  const id = useId()
  return (
    <fieldset className="scopes field" data-field="scopes" aria-describedby={problem ? id : undefined}>
      <legend>{t('profile.tokens.scopes')}</legend>
      {scopesFor(role).map((scope) => (
        <Check
          key={scope}
          name="scopes"
          value={scope}
          defaultChecked={scope === 'read'}
          label={
            <>
              <b>{t(`profile.scope.${scope.replace(':', '_')}`)}</b>
              <small>{t(`profile.scope.${scope.replace(':', '_')}.text`)}</small>
            </>
          }
        />
      ))}
      {problem ? (
        <small id={id} className="field-error">
          {problem}
        </small>
      ) : null}
      <small>{t('profile.tokens.never')}</small>
    </fieldset>
  )
}

function missing(name: string, scopes: string[], { t }: Words): Problems {
  const found: Problems = {}
  if (!name) found['name'] = t('profile.tokens.name.missing')
  if (scopes.length === 0) found['scopes'] = t('profile.tokens.scopes.missing')
  return found
}

/** Nothing closes it before somebody says that it is kept. */
function Shown({ token, close }: { token: NewToken; close: () => void }) {
  const { t, rich } = useWords()
  const [noted, note] = useState(false)
  useBlocker({ shouldBlockFn: () => !noted, enableBeforeUnload: () => !noted })
  return (
    <Dialog
      open
      stay
      onClose={() => undefined}
      title={t('profile.tokens.made', { name: token.name })}
      actions={
        <button type="button" className="btn pri" disabled={!noted} onClick={close}>
          {t('ui.close')}
        </button>
      }
    >
      <div className="form">
        <p>{rich('profile.tokens.once', { b: (parts) => <b>{parts}</b>, code: (parts) => <code>{parts}</code> })}</p>
        <div className="token">
          <span className="mut">{t('profile.tokens.itself')}</span>
          <code className="conf" translate="no">
            {token.token}
          </code>
          <CopyButton text={token.token} />
        </div>
        <Check label={t('profile.tokens.noted')} checked={noted} onChange={(event) => note(event.target.checked)} />
      </div>
    </Dialog>
  )
}
