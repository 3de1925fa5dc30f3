/** What is done with an account: at once with a way back, or after its effect was read. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { Account, AccountStatus } from '~/api/admin'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { useWords } from '~/i18n/words'
import { ConfirmByTyping, Dialog } from '~/ui/dialog'
import { toast } from '~/ui/toast'
import { nameOf } from './account'
import { AccountForm } from './form'
import { NewPassword } from './password'

export type Open = { what: 'create' } | { what: 'edit' | 'delete' | 'factor' | 'password'; account: Account }

/** The dialogs over one account. */
export function Acts({ open, onClose }: { open: Exclude<Open, { what: 'create' }>; onClose: () => void }) {
  const { what, account } = open
  if (what === 'edit') return <AccountForm account={account} onClose={onClose} />
  if (what === 'password') return <NewPassword account={account} onClose={onClose} />
  if (what === 'factor') return <ResetFactor account={account} onClose={onClose} />
  return <DeleteAccount account={account} onClose={onClose} />
}

export interface QuickActs {
  invite: (account: Account) => void
  turn: (account: Account, status: AccountStatus) => void
}

/** What needs no question: an invitation is only a letter, and a suspension can be taken back. */
export function useQuickActs(): QuickActs {
  const client = useQueryClient()
  const words = useWords()
  return useMemo(() => {
    const { t } = words
    const renew = () => client.invalidateQueries({ queryKey: ['users'] })
    const failed = (error: unknown) => {
      void renew()
      toast({ kind: 'error', text: say(error, words).sentence })
    }
    const write = (account: Account, status: AccountStatus) => act('PATCH', `/api/users/${account.id}/status`, { status }).then(renew)
    return {
      invite: (account) =>
        void act('POST', `/api/users/${account.id}/invite`, {})
          .then(renew)
          .then(() => toast({ kind: 'success', text: t('users.invited', { email: account.email }) }), failed),
      turn: (account, status) => {
        const text = t(status === 'active' ? 'users.activated' : 'users.suspended', { name: nameOf(account) })
        const undo = () => void write(account, account.status).catch(failed)
        void write(account, status).then(() => toast({ kind: 'success', text, undo }), failed)
      },
    }
  }, [client, words])
}

function useAct(account: Account, method: 'POST' | 'DELETE', path: string, said: string, onClose: () => void) {
  const client = useQueryClient()
  const words = useWords()
  const { t } = words
  const run = useMutation({
    mutationFn: () => act(method, `/api/users/${account.id}${path}`, method === 'POST' ? {} : undefined),
    onSuccess: () => {
      onClose()
      void client.invalidateQueries({ queryKey: ['users'] })
      toast({ kind: 'success', text: t(said, { name: nameOf(account) }) })
    },
  })
  return { run: () => run.mutate(), busy: run.isPending, sentence: run.error ? say(run.error, words).sentence : undefined }
}

function DeleteAccount({ account, onClose }: { account: Account; onClose: () => void }) {
  const { t } = useWords()
  const name = nameOf(account)
  const { run, busy, sentence } = useAct(account, 'DELETE', '', 'users.deleted', onClose)
  return (
    <ConfirmByTyping
      open
      onClose={onClose}
      title={t('users.delete.title', { name })}
      word={name}
      act={t('users.delete.act')}
      busy={busy}
      onConfirm={run}
    >
      <p>{t('users.delete.text', { email: account.email })}</p>
      <Refusal sentence={sentence} />
    </ConfirmByTyping>
  )
}

function ResetFactor({ account, onClose }: { account: Account; onClose: () => void }) {
  const { t } = useWords()
  const { run, busy, sentence } = useAct(account, 'POST', '/reset-mfa', 'users.factor.was_reset', onClose)
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('users.factor.reset.title', { name: nameOf(account) })}
      actions={
        <>
          <button type="button" className="btn" data-autofocus onClick={onClose}>
            {t('ui.keep')}
          </button>
          <button type="button" className="btn pri dng" disabled={busy} onClick={run}>
            {t('users.factor.reset.act')}
          </button>
        </>
      }
    >
      <p>{t('users.factor.reset.text', { email: account.email })}</p>
      <Refusal sentence={sentence} />
    </Dialog>
  )
}

function Refusal({ sentence }: { sentence: string | undefined }) {
  return sentence ? (
    <p className="failed error" role="alert">
      {sentence}
    </p>
  ) : null
}
