/** Which clubs an agency sees: added and taken away at once, with a way back. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Agency } from '~/api/admin'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { useWords } from '~/i18n/words'
import { toast } from '~/ui/toast'

/** So many are taken away at the same time: each is a request of its own. */
const AT_ONCE = 6

export function useClubs(agency: Agency) {
  const client = useQueryClient()
  const words = useWords()
  const { t } = words
  const path = `/api/agencies/${agency.id}/sites`
  const renewed = () => void client.invalidateQueries({ queryKey: ['agencies'] })
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
      toast({ kind: 'success', text: t('agency.added', { count: ids.length }), undo: () => back(leave(ids)) })
    },
    onError: failed,
  })
  const remove = useMutation({
    mutationFn: leave,
    onSuccess: (_, ids) => {
      renewed()
      toast({ kind: 'success', text: t('agency.removed', { count: ids.length }), undo: () => back(join(ids)) })
    },
    onError: failed,
  })
  return { add, remove }
}
