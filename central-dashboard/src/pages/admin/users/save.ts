/** Writes an account: a new one, or only what was changed of one that is there. */
import { useQueryClient } from '@tanstack/react-query'
import type { Account } from '~/api/admin'
import { act, get } from '~/api/client'
import { Refused, say } from '~/api/errors'
import { useWords, type Words } from '~/i18n/words'
import { Crossed, taken, useEdit } from '~/ui/edits'
import { problemsOf, type Problems } from '~/ui/form'
import type { Wrong } from '~/ui/sending'
import { toast } from '~/ui/toast'
import { changesOf, contentOf, nameOf, type Content } from './account'

const NEW: Content = { full_name: '', email: '', role: '', tenant: '' }
const ALL = ['full_name', 'email', 'role'] as const

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
  return (content: Content, password: string | undefined) =>
    account ? change(account.id, content) : create(content, password)
}

/** An id says nothing to anybody. */
const shown = (field: string, value: string, { t }: Words) =>
  field === 'role' ? t(`app.role.${value}`) : field === 'tenant' ? t('users.form.tenant.other') : value

/** What the form says in words of its own. */
export function ownWords(error: unknown, words: Words): Wrong | undefined {
  if (error instanceof Crossed) return error.said(words)
  if (!(error instanceof Refused)) return undefined
  // An address that somebody else has is wrong in its field, wherever the server says it.
  if (error.code === 'email_taken') return { problems: { email: words.t('users.form.email.taken') } }
  const problems = atFields(problemsOf(error, words))
  return Object.keys(problems).length > 0 ? { problems } : undefined
}

/** The form has one field for what the server keeps in two. */
const atFields = ({ agency_id, sponsor_id, ...rest }: Problems): Problems => {
  const tenant = agency_id ?? sponsor_id
  return tenant === undefined ? rest : { ...rest, tenant }
}
