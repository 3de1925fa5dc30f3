import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { own, ownReads, type OwnNotices } from '~/api/account'
import { say } from '~/api/errors'
import { useUser } from '~/api/session'
import { mayDelete, mayWrite } from '~/app/pages'
import { useWords, words } from '~/i18n/words'
import { Check } from '~/ui/form'
import { Panel } from '~/ui/page'
import { toast } from '~/ui/toast'

const KINDS = ['mail_alerts', 'mail_results', 'mail_summary'] as const

/** What one is written to about: each choice takes effect at once. Mail about the account always comes. */
export function NoticesPanel() {
  const { t } = useWords()
  const { role } = useUser()
  const client = useQueryClient()
  const query = useQuery(ownReads.notices())
  const { mutate, isPending } = useMutation({
    mutationFn: (next: OwnNotices) => own.setNotices(next),
    onSettled: () => client.invalidateQueries({ queryKey: ownReads.notices().queryKey }),
    onError: (error) => toast({ kind: 'error', text: say(error, words()).sentence }),
  })
  // Alerts and the summary go to those who run the installation, results to whoever gives orders.
  const shown = KINDS.filter((kind) => (kind === 'mail_results' ? mayWrite(role) : mayDelete(role)))
  if (shown.length === 0) return null
  return (
    <Panel title={t('profile.notices')} query={query} rows={3}>
      {(data) => (
        <div className="form" aria-busy={isPending}>
          {shown.map((kind) => (
            <Check
              key={kind}
              label={t(`profile.notices.${kind}`)}
              checked={data[kind]}
              // Not disabled while one is under way: that would take the focus from whoever uses the keyboard.
              onChange={() => isPending || mutate({ ...data, [kind]: !data[kind] })}
            />
          ))}
          <p className="mut small">{t('profile.notices.always')}</p>
        </div>
      )}
    </Panel>
  )
}
