/** A message by every way out that is configured; then what the services answered. */
import { useId, useState, type FormEvent } from 'react'
import { sendTrials, type Finding } from '~/api/admin'
import { useUser } from '~/api/session'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { TextField } from '~/ui/form'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { Findings } from './findings'

export function SendDialog({ close }: { close: () => void }) {
  const { t, language } = useWords()
  const id = useId()
  const user = useUser()
  const sending = useSending()
  const readOnly = useReadOnly()
  const [sent, setSent] = useState<Finding[]>()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const email = String(new FormData(event.currentTarget).get('email') ?? '').trim()
    void sending.send({}, async () => setSent((await sendTrials(email, language)).sent))
  }
  return (
    <Dialog
      open
      onClose={close}
      title={t('doctor.send')}
      actions={
        <>
          <button type="button" className="btn" onClick={close}>
            {t(sent ? 'ui.close' : 'ui.keep')}
          </button>
          {sent ? null : (
            <SendButton of={sending} form={id} label={t('doctor.send.act')} busy={t('doctor.send.busy')} reason={readOnly} />
          )}
        </>
      }
    >
      {sent ? (
        <Findings findings={sent} />
      ) : (
        <form id={id} className="form" onSubmit={submit} noValidate>
          <p>{t('doctor.send.about')}</p>
          <Trouble of={sending} />
          <TextField
            label={t('doctor.send.to')}
            hint={t('doctor.send.hint')}
            name="email"
            type="email"
            autoComplete="email"
            defaultValue={user.email}
            problem={sending.problems['email']}
          />
        </form>
      )}
    </Dialog>
  )
}
