/** Settings of the installation in a form, which somebody else may change while it is open. */
import { useQueryClient, type FetchQueryOptions, type QueryKey } from '@tanstack/react-query'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { useWords } from '~/i18n/words'
import { Crossed, taken, useEdit, type Content } from '~/ui/edits'
import { toast } from '~/ui/toast'

interface Setting<V, C extends Content, K extends QueryKey> {
  path: string
  /** Reads it anew. */
  read: FetchQueryOptions<V, Error, V, K>
  /** What holds, as the form shows it, and the other way round. */
  textsOf: (value: V) => C
  valuesIn: (texts: Partial<C>) => Partial<V>
  shown?: (field: string, text: string) => string
  /** What is said when it is saved. */
  said: string
  /** Is told that something else holds: the form begins anew. */
  saved: () => void
}

/** Only what was changed here is sent, over what holds by then; so does the way back. */
export function useSetting<V extends object, C extends Content, K extends QueryKey>(value: V, of: Setting<V, C, K>) {
  const client = useQueryClient()
  const words = useWords()
  const edit = useEdit(of.textsOf(value))
  const now = () => client.fetchQuery({ ...of.read, staleTime: 0 })
  const put = async (wanted: V) => {
    const after = await act<V>('PUT', of.path, wanted)
    const key: QueryKey = of.read.queryKey
    client.setQueryData(key, after)
    of.saved()
  }
  const save = async (wanted: C) => {
    const before = await now()
    const crossed = edit.crossed(of.textsOf(before), wanted, words, of.shown)
    if (Object.keys(crossed).length > 0) throw new Crossed(crossed)
    const fields = edit.changed(wanted)
    await put({ ...before, ...of.valuesIn(taken(wanted, fields)) })
    const back = of.valuesIn(taken(of.textsOf(before), fields))
    const undo = async () => put({ ...(await now()), ...back })
    toast({
      kind: 'success',
      text: of.said,
      undo: () => void undo().catch((error: unknown) => toast({ kind: 'error', text: say(error, words).sentence })),
    })
    // The form is another one now: the sentence that says what holds takes the focus.
    document.querySelector('h1')?.focus()
  }
  return { edit, save }
}
