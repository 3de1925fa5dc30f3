import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { SetUpSteps } from '~/account/set-up'
import { own, ownReads, type SecondFactor } from '~/api/account'
import { say } from '~/api/errors'
import { lookAgain, useUser, type SetUp } from '~/api/session'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { Panel } from '~/ui/page'
import { Shape } from '~/ui/state'
import { toast } from '~/ui/toast'
import { Disable, NewBackupCodes, Replace } from './with-code'

/** Fewer than that, and it is time for new ones. */
const FEW = 3

type Opened = { what: 'setup'; made: SetUp } | { what: 'disable' | 'codes' | 'replace' } | undefined

/** Whether a code is asked for at login, and what can be done about it. */
export function SecondFactorPanel() {
  const { t } = useWords()
  const query = useQuery(ownReads.secondFactor())
  const [opened, open] = useState<Opened>()
  const again = useAgain()
  const close = () => open(undefined)
  const done = () => {
    close()
    again()
  }
  return (
    <Panel title={t('profile.factor')} query={query} rows={3}>
      {(factor) => (
        <>
          <State factor={factor} />
          <Acts factor={factor} open={open} />
          {opened?.what === 'setup' ? (
            <SetUpDialog made={opened.made} replaces={factor.enabled} close={close} done={done} />
          ) : null}
          {opened?.what === 'replace' ? (
            <Replace close={close} made={(made) => open({ what: 'setup', made })} />
          ) : null}
          {opened?.what === 'disable' ? <Disable close={close} done={done} /> : null}
          {opened?.what === 'codes' ? <NewBackupCodes close={close} done={done} /> : null}
        </>
      )}
    </Panel>
  )
}

/** The account is another one now, for this page and for what stands around it. */
function useAgain(): () => void {
  const client = useQueryClient()
  return () => {
    void client.invalidateQueries({ queryKey: ownReads.secondFactor().queryKey })
    void lookAgain()
  }
}

function State({ factor }: { factor: SecondFactor }) {
  const words = useWords()
  const { t } = words
  const { enabled, backup_codes_left: left } = factor
  const state = enabled ? 'done' : factor.required ? 'failed' : 'warning'
  return (
    <div className="factor">
      <Shape state={state} />
      <div>
        <b>{t(enabled ? 'profile.factor.on' : 'profile.factor.off')}</b>
        <p>{enabled ? t('profile.factor.on.text') : whyNow(factor, words)}</p>
        {enabled ? (
          <p className={left < FEW ? 'red' : 'mut'}>
            {t('profile.factor.left', { count: left })} {left < FEW ? t('profile.factor.few') : ''}
          </p>
        ) : null}
      </div>
    </div>
  )
}

function whyNow(factor: SecondFactor, { t, formats }: Words): string {
  if (!factor.required) return t('profile.factor.off.text')
  const until = graceOf(factor)
  return until ? t('profile.factor.required', { date: formats.moment(until) }) : t('profile.factor.overdue')
}

/** Until when whose role asks for it can still do without. */
export function graceOf({ grace_until }: SecondFactor): Date | undefined {
  const until = grace_until ? new Date(grace_until) : undefined
  return until && until.getTime() > Date.now() ? until : undefined
}

function Acts({ factor, open }: { factor: SecondFactor; open: (opened: Opened) => void }) {
  const words = useWords()
  const { t } = words
  const offline = useReadOnly()
  const reason = useId()
  const [busy, setBusy] = useState(false)
  const begin = async () => {
    setBusy(true)
    try {
      open({ what: 'setup', made: await own.setUp() })
    } catch (error) {
      toast({ kind: 'error', text: say(error, words).sentence })
    } finally {
      setBusy(false)
    }
  }
  const off = { disabled: busy || offline !== undefined, title: offline }
  if (!factor.enabled) {
    return (
      <div className="acts">
        <button type="button" className="btn pri" onClick={() => void begin()} {...off}>
          {t('profile.factor.set_up')}
        </button>
      </div>
    )
  }
  return (
    <div className="acts">
      <button type="button" className="btn" onClick={() => open({ what: 'codes' })} {...off}>
        {t('profile.factor.codes')}
      </button>
      <button type="button" className="btn" onClick={() => open({ what: 'replace' })} {...off}>
        {t('profile.factor.replace')}
      </button>
      <button
        type="button"
        className="btn"
        onClick={() => open({ what: 'disable' })}
        disabled={off.disabled || factor.required}
        title={offline}
        aria-describedby={factor.required ? reason : undefined}
      >
        {t('profile.factor.disable')}
      </button>
      {factor.required ? (
        <p id={reason} className="mut small">
          {t('profile.factor.disable.reason')}
        </p>
      ) : null}
    </div>
  )
}

interface SetUpDialogProps {
  made: SetUp
  /** Whether one is on, which the new one takes the place of. */
  replaces: boolean
  close: () => void
  done: () => void
}

function SetUpDialog({ made, replaces, close, done }: SetUpDialogProps) {
  const { t } = useWords()
  const { email } = useUser()
  const enable = async (code: string) => {
    await own.enable(code)
    toast({ kind: 'success', text: t(replaces ? 'profile.factor.replaced' : 'profile.factor.enabled') })
    done()
  }
  return (
    <Dialog open stay onClose={close} title={t(replaces ? 'profile.factor.replace' : 'profile.factor')}>
      <SetUpSteps level="h3" made={made} email={email} enable={enable} />
      <button type="button" className="btn quiet set-up-leave" onClick={close}>
        {t('profile.factor.leave')}
      </button>
    </Dialog>
  )
}
