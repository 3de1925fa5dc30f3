import { useId, useState, type FormEvent } from 'react'
import { own } from '~/api/account'
import { say } from '~/api/errors'
import { lookAgain, useUser } from '~/api/session'
import { useReadOnly } from '~/app/preferences'
import { useWords, words } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { TextField } from '~/ui/form'
import { Icon } from '~/ui/icons'
import { PanelHead } from '~/ui/page'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { toast } from '~/ui/toast'

/** Who one is here, and what that allows. */
export function IdentityPanel() {
  const { t } = useWords()
  const offline = useReadOnly()
  const { full_name, email, role } = useUser()
  const [renaming, rename] = useState(false)
  return (
    <section className="card">
      <PanelHead
        title={t('profile.identity')}
        end={
          <button type="button" className="btn sm" disabled={offline !== undefined} title={offline} onClick={() => rename(true)}>
            <Icon name="pen" />
            {t('profile.name.change')}
          </button>
        }
      />
      <dl className="facts">
        <div>
          <dt>{t('profile.name')}</dt>
          <dd>{full_name || <span className="mut">{t('profile.name.none')}</span>}</dd>
        </div>
        <div>
          <dt>{t('profile.email')}</dt>
          <dd>{email}</dd>
        </div>
        <div>
          <dt>{t('profile.role')}</dt>
          <dd>
            {t(`app.role.${role}`)}
            <small>{t(`profile.role.${role}`)}</small>
          </dd>
        </div>
      </dl>
      <p className="mut small">{t('profile.identity.who')}</p>
      {renaming ? <Rename now={full_name ?? ''} close={() => rename(false)} /> : null}
    </section>
  )
}

/** Another name, everywhere at once, with a way back. */
function Rename({ now, close }: { now: string; close: () => void }) {
  const { t } = useWords()
  const id = useId()
  const sending = useSending()
  const write = async (name: string) => {
    await own.rename(name)
    await lookAgain()
  }
  const back = () => void write(now).catch((error: unknown) => toast({ kind: 'error', text: say(error, words()).sentence }))
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const name = String(new FormData(event.currentTarget).get('full_name')).trim()
    if (name === now && name) return close()
    void sending.send(name ? {} : { full_name: t('profile.name.missing') }, async () => {
      await write(name)
      close()
      // An account without a name has none to go back to.
      toast({ kind: 'success', text: t('profile.name.changed', { name }), ...(now ? { undo: back } : {}) })
    })
  }
  return (
    <Dialog
      open
      onClose={close}
      title={t('profile.name.title')}
      actions={
        <>
          <button type="button" className="btn" onClick={close}>
            {t('ui.keep')}
          </button>
          <SendButton
            of={sending}
            form={id}
            label={t('profile.name.save')}
            busy={t('profile.name.busy')}
            reason={useReadOnly()}
          />
        </>
      }
    >
      <form id={id} className="form" onSubmit={submit} noValidate>
        <Trouble of={sending} />
        <TextField
          label={t('profile.name')}
          hint={t('profile.name.hint')}
          name="full_name"
          autoComplete="name"
          maxLength={255}
          defaultValue={now}
          problem={sending.problems['full_name']}
        />
      </form>
    </Dialog>
  )
}
