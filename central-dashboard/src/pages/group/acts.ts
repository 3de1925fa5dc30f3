/** Who is in a group: joins and leaves at once, with a way back. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import type { Group } from '~/api/types'
import { useWords } from '~/i18n/words'
import { toast } from '~/ui/toast'

/** So many are taken out at the same time: each is a request of its own. */
const AT_ONCE = 6

export function useMembership(group: Group) {
  const client = useQueryClient()
  const words = useWords()
  const { t } = words
  const path = `/api/groups/${group.id}/sites`
  const renewed = () => {
    void client.invalidateQueries({ queryKey: ['groups'] })
    void client.invalidateQueries({ queryKey: ['sites'] })
  }
  const failed = (error: unknown) => {
    renewed()
    toast({ kind: 'error', text: say(error, words).sentence })
  }
  const join = (ids: string[]) => act('POST', path, { site_ids: ids })
  const leave = async (ids: string[]) => {
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => act('DELETE', `${path}/${id}`)))
    }
  }
  const back = (run: Promise<unknown>) => void run.then(renewed, failed)
  const add = useMutation({
    mutationFn: join,
    onSuccess: (_, ids) => {
      renewed()
      toast({ kind: 'success', text: t('group.added', { count: ids.length }), undo: () => back(leave(ids)) })
    },
    onError: failed,
  })
  const remove = useMutation({
    mutationFn: leave,
    onSuccess: (_, ids) => {
      renewed()
      toast({ kind: 'success', text: t('group.removed', { count: ids.length }), undo: () => back(join(ids)) })
    },
    onError: failed,
  })
  return { add, remove }
}
