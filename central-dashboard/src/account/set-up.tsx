/** A second factor, set up in three steps: the application, the codes for the day without it, the first code. */
import { useEffect, useRef, useState, type ReactNode } from 'react'
import type { SetUp } from '~/api/session'
import { useWords } from '~/i18n/words'
import { CopyButton } from '~/ui/keep'
import { SendButton, Trouble } from '~/ui/sending'
import { Steps } from '~/ui/steps'
import { BackupCodes } from './backup-codes'
import { CodeField } from './code-field'
import { useCodeForm } from './code-form'
import './account.css'

const ORDER = ['app', 'codes', 'check'] as const
type Stage = (typeof ORDER)[number]

interface SetUpStepsProps {
  made: SetUp
  email: string
  /** That of the headings: one below what stands around. */
  level: 'h2' | 'h3'
  /** Sends the first code. What it throws is said here. */
  enable: (code: string) => Promise<void>
}

export function SetUpSteps({ made, email, level, enable }: SetUpStepsProps) {
  const { t } = useWords()
  const [stage, setStage] = useState<Stage>('app')
  const [noted, note] = useState(false)
  const [moved, setMoved] = useState(false)
  const go = (next: Stage) => {
    setMoved(true)
    setStage(next)
  }
  const now = ORDER.indexOf(stage)
  return (
    <div className="set-up">
      <Steps
        label={t('account.setup.steps')}
        steps={ORDER.map((one, at) => ({
          label: t(`account.setup.step.${one}`),
          state: at < now ? 'done' : at === now ? 'current' : 'next',
          go: () => go(one),
        }))}
      />
      {stage === 'app' ? (
        <Part level={level} title={t('account.setup.app')} still={!moved}>
          <Application made={made} email={email} />
          <Next onClick={() => go('codes')} />
        </Part>
      ) : null}
      {stage === 'codes' ? (
        <Part level={level} title={t('account.backup')}>
          <BackupCodes codes={made.backupCodes} email={email} noted={noted} onNoted={note} />
          <Next disabled={!noted} onClick={() => go('check')} />
        </Part>
      ) : null}
      {stage === 'check' ? (
        <Part level={level} title={t('account.setup.check')} still>
          <FirstCode enable={enable} />
        </Part>
      ) : null}
    </div>
  )
}

interface PartProps {
  level: 'h2' | 'h3'
  title: string
  still?: boolean
  children: ReactNode
}

/** A step takes the focus at its heading, except the first and those with a field that takes it. */
function Part({ level: Heading, title, still = false, children }: PartProps) {
  const ref = useRef<HTMLHeadingElement>(null)
  const [stays] = useState(still)
  useEffect(() => {
    if (!stays) ref.current?.focus()
  }, [stays])
  return (
    <section className="set-up-part">
      <Heading ref={ref} tabIndex={-1}>
        {title}
      </Heading>
      {children}
    </section>
  )
}

function Next({ disabled = false, onClick }: { disabled?: boolean; onClick: () => void }) {
  const { t } = useWords()
  return (
    <button type="button" className="btn pri set-up-go" disabled={disabled} onClick={onClick}>
      {t('account.setup.next')}
    </button>
  )
}

function Application({ made, email }: { made: SetUp; email: string }) {
  const { t } = useWords()
  const { qrCodeDataUrl, manualEntryKey } = made
  return (
    <>
      <p>{t('account.setup.scan')}</p>
      <div className="qr">
        <img src={qrCodeDataUrl} alt={t('account.setup.qr')} width={208} height={208} />
      </div>
      <a className="btn set-up-here" href={addressFor(email, manualEntryKey)}>
        {t('account.setup.here')}
      </a>
      <div className="set-up-key">
        <p>{t('account.setup.key')}</p>
        <code className="conf" translate="no">
          {manualEntryKey}
        </code>
        <CopyButton small text={manualEntryKey.replace(/\s/g, '')} />
      </div>
    </>
  )
}

/** Opens the application of the phone that shows this page, which cannot scan itself. */
function addressFor(email: string, key: string): string {
  const secret = key.replace(/\s/g, '')
  return `otpauth://totp/${encodeURIComponent(`NeoPro:${email}`)}?secret=${secret}&issuer=NeoPro`
}

function FirstCode({ enable }: { enable: (code: string) => Promise<void> }) {
  const { t } = useWords()
  const { sending, submit, field } = useCodeForm({ run: enable, appOnly: true })
  return (
    <form className="form" onSubmit={submit} noValidate>
      <p>{t('account.setup.check.text')}</p>
      <Trouble of={sending} />
      <CodeField {...field} autoFocus />
      <SendButton of={sending} className="set-up-go" label={t('account.setup.enable')} busy={t('account.setup.busy')} />
    </form>
  )
}
