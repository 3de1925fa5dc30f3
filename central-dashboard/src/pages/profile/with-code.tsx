/** What a session alone must not be able to do to the second factor: a code is asked for. */
import { useId, useState, type ReactNode } from 'react'
import { BackupCodes } from '~/account/backup-codes'
import { CodeField } from '~/account/code-field'
import { useCodeForm } from '~/account/code-form'
import { own } from '~/api/account'
import { useUser, type SetUp } from '~/api/session'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { SendButton, Trouble } from '~/ui/sending'
import { toast } from '~/ui/toast'

interface WithCode {
  close: () => void
  done: () => void
}

/** Turns it off. */
export function Disable({ close, done }: WithCode) {
  const { t } = useWords()
  const run = async (code: string) => {
    await own.disable(code)
    toast({ kind: 'success', text: t('profile.factor.disabled') })
    done()
  }
  return (
    <CodeDialog title={t('profile.factor.disable.title')} act={t('profile.factor.disable')} danger close={close} run={run}>
      <p>{t('profile.factor.disable.text')}</p>
    </CodeDialog>
  )
}

/** Begins to set up another one in its place. */
export function Replace({ close, made }: { close: () => void; made: (made: SetUp) => void }) {
  const { t } = useWords()
  const run = async (code: string) => made(await own.replace(code))
  return (
    <CodeDialog title={t('profile.factor.replace')} act={t('profile.factor.replace.go')} close={close} run={run}>
      <p>{t('profile.factor.replace.text')}</p>
    </CodeDialog>
  )
}

/** Eight others; the old ones are worth nothing any more. */
export function NewBackupCodes({ close, done }: WithCode) {
  const { t } = useWords()
  const { email } = useUser()
  const [codes, setCodes] = useState<string[]>()
  const [noted, note] = useState(false)
  const run = async (code: string) => setCodes((await own.newBackupCodes(code)).backupCodes)
  if (!codes) {
    return (
      <CodeDialog title={t('profile.factor.codes')} act={t('profile.factor.codes.make')} close={close} run={run}>
        <p>{t('profile.factor.codes.text')}</p>
      </CodeDialog>
    )
  }
  return (
    <Dialog
      key="codes"
      open
      stay
      onClose={() => undefined}
      title={t('account.backup')}
      actions={
        <button type="button" className="btn pri" disabled={!noted} onClick={done}>
          {t('ui.close')}
        </button>
      }
    >
      <BackupCodes codes={codes} email={email} noted={noted} onNoted={note} />
    </Dialog>
  )
}

interface CodeDialogProps {
  title: string
  act: string
  danger?: boolean
  children: ReactNode
  close: () => void
  run: (code: string) => Promise<void>
}

function CodeDialog({ title, act, danger = false, children, close, run }: CodeDialogProps) {
  const { t } = useWords()
  const id = useId()
  const { sending, submit, field } = useCodeForm({ run })
  return (
    <Dialog
      open
      onClose={close}
      title={title}
      actions={
        <>
          <button type="button" className="btn" onClick={close}>
            {t('ui.keep')}
          </button>
          <SendButton of={sending} form={id} label={act} busy={act} danger={danger} />
        </>
      }
    >
      <form id={id} className="form" onSubmit={submit} noValidate>
        {children}
        <Trouble of={sending} />
        <CodeField {...field} />
      </form>
    </Dialog>
  )
}
