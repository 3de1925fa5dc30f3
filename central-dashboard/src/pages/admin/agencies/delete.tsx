/** Deletes an agency: whom it concerns is said by name, and its own name is typed. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { adminReads, type Account, type Agency } from '~/api/admin'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { useUser } from '~/api/session'
import { mayRule } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { ConfirmByTyping } from '~/ui/dialog'
import { Loaded } from '~/ui/page'
import { toast } from '~/ui/toast'
import { nameOf } from '../users/account'

export function DeleteAgency({ agency, onClose, onDone }: { agency: Agency; onClose: () => void; onDone?: () => void }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const offline = useReadOnly()
  const rules = mayRule(useUser().role)
  const people = useQuery({ ...adminReads.accounts({ role: 'agency' }), staleTime: 0 })
  const own = people.data?.users.filter((account) => account.agency_id === agency.id)
  const remove = useMutation({
    // Only who was shown is suspended: without them the server says who it would be.
    mutationFn: () => act('DELETE', `/api/agencies/${agency.id}${own?.length ? '?force=true' : ''}`),
    onSuccess: () => {
      onClose()
      onDone?.()
      for (const kind of ['agencies', 'users']) void client.invalidateQueries({ queryKey: [kind] })
      toast({ kind: 'success', text: t('agencies.deleted', { name: agency.name }) })
    },
    onError: () => void people.refetch(),
  })
  const barred = own?.length && !rules ? t('agencies.delete.super') : undefined
  const sentence = offline ?? barred ?? (remove.error ? say(remove.error, words).sentence : undefined)
  return (
    <ConfirmByTyping
      open
      onClose={onClose}
      title={t('agencies.delete.title', { name: agency.name })}
      word={agency.name}
      act={own?.length ? t('agencies.delete.force', { count: own.length }) : t('agencies.delete.act')}
      busy={remove.isPending || own === undefined || offline !== undefined || barred !== undefined}
      onConfirm={() => remove.mutate()}
    >
      <p>{t('agencies.delete.clubs', { count: agency.site_count })}</p>
      <Loaded query={people} rows={2}>
        {() => <Concerned accounts={own ?? []} />}
      </Loaded>
      {sentence ? (
        <p className="failed error" role="alert">
          {sentence}
        </p>
      ) : null}
    </ConfirmByTyping>
  )
}

function Concerned({ accounts }: { accounts: Account[] }) {
  const { t } = useWords()
  if (accounts.length === 0) return <p>{t('agencies.delete.nobody')}</p>
  return (
    <>
      <p className="red">{t('agencies.delete.people', { count: accounts.length })}</p>
      <ul className="concerned">
        {accounts.map((account) => (
          <li key={account.id}>
            <b>{nameOf(account)}</b> {account.full_name ? <small>{account.email}</small> : null}
          </li>
        ))}
      </ul>
    </>
  )
}
