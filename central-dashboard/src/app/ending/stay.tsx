import { useMutation } from '@tanstack/react-query'
import { useId, type FormEvent } from 'react'
import { say } from '~/api/errors'
import { goOn, useUser } from '~/api/session'
import { sessionEnd } from '~/api/session-end'
import { useWords } from '~/i18n/words'
import { wrongPassword } from '~/pages/login/wrong'
import { PasswordField } from '~/pages/login/password-field'
import { Dialog } from '~/ui/dialog'
import { ErrorSummary, TextField } from '~/ui/form'
import { toast } from '~/ui/toast'

/** Another session for the same person, without leaving the page: the password is asked for, nothing else. */
export default function Stay({ end, onClose }: { end: number; onClose: () => void }) {
  const words = useWords()
  const { t, formats } = words
  const { email } = useUser()
  const form = useId()
  const again = useMutation({
    mutationFn: goOn,
    onSuccess: () => {
      const next = sessionEnd()
      if (next) toast({ kind: 'success', text: t('ending.stayed', { until: formats.dateTime(new Date(next)) }) })
      onClose()
    },
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const password = String(new FormData(event.currentTarget).get('password'))
    if (password) again.mutate(password)
  }
  const { error } = again
  const sentence = error ? (wrongPassword(error) ? t('ending.wrong') : say(error, words).sentence) : undefined
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('ending.title')}
      actions={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t('ending.later')}
          </button>
          <button type="submit" form={form} className="btn pri" disabled={again.isPending}>
            {t('ending.go')}
          </button>
        </>
      }
    >
      <form id={form} className="form" onSubmit={submit} noValidate>
        <ErrorSummary problems={{}} sentence={sentence} />
        <p>
          {t('ending.said', { time: formats.time(new Date(end), true) })} {t('ending.text')}
        </p>
        <TextField label={t('ending.account')} name="email" type="email" autoComplete="username" value={email} readOnly />
        <PasswordField problem={undefined} />
      </form>
    </Dialog>
  )
}
