/** Writes an account: a new one, or only what was changed of one that is there. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Account } from '~/api/admin'
import { act, get } from '~/api/client'
import { Refused, say } from '~/api/errors'
import { useWords, type Words } from '~/i18n/words'
import { taken, useEdit } from '~/ui/edits'
import { problemsOf, type Problems } from '~/ui/form'
import { toast } from '~/ui/toast'
import { changesOf, contentOf, nameOf, type Content } from './account'

const NEW: Content = { full_name: '', email: '', role: '', tenant: '' }
const ALL = ['full_name', 'email', 'role'] as const

/** Somebody else wrote in the same fields. */
class Crossed extends Error {
  constructor(readonly problems: Problems) {
    super('crossed')
  }
}

export function useSave(account: Account | undefined, onClose: () => void) {
  const client = useQueryClient()
  const words = useWords()
  const { t } = words
  const edit = useEdit(account ? contentOf(account) : NEW)
  const renew = () => client.invalidateQueries({ queryKey: ['users'] })
  const create = async (content: Content, password: string | undefined) => {
    await act('POST', '/api/users', { ...changesOf(content, ALL), ...(password === undefined ? {} : { password }) })
    await renew()
    onClose()
    const said = password === undefined ? t('users.invited', { email: content.email }) : t('users.created', { name: content.full_name })
    toast({ kind: 'success', text: said })
  }
  const change = async (id: string, content: Content) => {
    const fields = edit.changed(content)
    if (fields.length === 0) return onClose()
    const now = contentOf((await get<{ data: { user: Account } }>(`/api/users/${id}`)).data.user)
    const crossed = edit.crossed(now, content, words, (field, value) => shown(field, value, words))
    if (Object.keys(crossed).length > 0) throw new Crossed(crossed)
    const put = (wanted: Content) => act('PUT', `/api/users/${id}`, changesOf(wanted, fields))
    await put({ ...now, ...taken(content, fields) })
    await renew()
    onClose()
    const undo = () => void put(now).then(renew, (error: unknown) => toast({ kind: 'error', text: say(error, words).sentence }))
    toast({ kind: 'success', text: t('users.saved', { name: nameOf(content) }), undo })
  }
  const run = useMutation({
    mutationFn: ({ content, password }: { content: Content; password: string | undefined }) =>
      account ? change(account.id, content) : create(content, password),
  })
  return {
    save: (content: Content, password: string | undefined) => run.mutate({ content, password }),
    busy: run.isPending,
    ...told(run.error, words),
  }
}

/** An id says nothing to anybody. */
const shown = (field: string, value: string, { t }: Words) =>
  field === 'role' ? t(`app.role.${value}`) : field === 'tenant' ? t('users.form.tenant.other') : value

function told(error: unknown, words: Words): { problems: Problems; sentence: string | undefined } {
  if (!error) return { problems: {}, sentence: undefined }
  if (error instanceof Crossed) return { problems: error.problems, sentence: words.t('ui.form.crossed.title') }
  const problems = atFields(problemsOf(error, words))
  // An address that somebody else has is wrong in its field, wherever the server says it.
  if (error instanceof Refused && error.code === 'email_taken') problems['email'] = words.t('users.form.email.taken')
  return { problems, sentence: Object.keys(problems).length === 0 ? say(error, words).sentence : undefined }
}

/** The form has one field for what the server keeps in two. */
const atFields = ({ agency_id, sponsor_id, ...rest }: Problems): Problems => {
  const tenant = agency_id ?? sponsor_id
  return tenant === undefined ? rest : { ...rest, tenant }
}
