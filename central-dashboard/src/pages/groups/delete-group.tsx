/** Deletes a group: what goes with it and what stays is said in numbers, and its name is typed. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { reads } from '~/api/reads'
import type { Group } from '~/api/types'
import { useWords } from '~/i18n/words'
import { ConfirmByTyping } from '~/ui/dialog'
import { toast } from '~/ui/toast'

export function DeleteGroup({ group, onClose, onDone }: { group: Group; onClose: () => void; onDone?: () => void }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const planned = useQuery(reads.deployments({ target_id: group.id, status: 'scheduled', limit: 1 }))
  const remove = useMutation({
    mutationFn: () => act('DELETE', `/api/groups/${group.id}`),
    onSuccess: () => {
      onClose()
      onDone?.()
      void client.invalidateQueries({ queryKey: ['groups'] })
      toast({ kind: 'success', text: t('groups.deleted', { name: group.name }) })
    },
    onError: (error) => toast({ kind: 'error', text: say(error, words).sentence }),
  })
  return (
    <ConfirmByTyping
      open
      onClose={onClose}
      title={t('groups.delete.title', { name: group.name })}
      word={group.name}
      act={t('groups.delete.act')}
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      <p>{t('groups.delete.text', { count: group.site_count })}</p>
      {planned.data && planned.data.total > 0 ? <p className="red">{t('groups.delete.planned', { count: planned.data.total })}</p> : null}
    </ConfirmByTyping>
  )
}
