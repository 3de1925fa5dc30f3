/** A new group with its first members, or the words of one that is there. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState, type FormEvent } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { reads } from '~/api/reads'
import type { Group } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { Sheet } from '~/ui/dialog'
import { taken, useEdit } from '~/ui/edits'
import { ErrorSummary, problemsOf, SelectField, TextArea, TextField, type Problems } from '~/ui/form'
import { toast } from '~/ui/toast'
import { kindOf, KINDS } from './kinds'
import { nameTaken } from './names'
import { SitePicker } from './site-picker'

type Content = Record<'name' | 'type' | 'description', string>

const EMPTY: Content = { name: '', type: '', description: '' }

interface FormProps {
  onClose: () => void
  /** The group to change; a new one without it. */
  group?: Group
}

export function GroupForm({ onClose, group }: FormProps) {
  const words = useWords()
  const { t } = words
  const form = useId()
  const blocked = useReadOnly()
  const [picked, pick] = useState<Set<string>>(new Set())
  const [missing, setMissing] = useState<Problems>({})
  const save = useSave(group, picked, onClose)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const content = read(event.currentTarget)
    const problems: Problems = content.name ? {} : { name: t('groups.form.name.missing') }
    setMissing(problems)
    if (content.name) save.mutate(content)
  }
  const { problems: refused, sentence } = told(save.error, words)
  const problems = { ...missing, ...refused }
  return (
    <Sheet
      open
      onClose={onClose}
      title={group ? t('groups.form.edit') : t('groups.form.create')}
      actions={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t('ui.keep')}
          </button>
          <button type="submit" form={form} className="btn pri" disabled={save.isPending || blocked !== undefined} title={blocked}>
            {group ? t('groups.form.save') : t('groups.form.create_act', { count: picked.size })}
          </button>
        </>
      }
    >
      <form id={form} className="form" onSubmit={submit} noValidate>
        <ErrorSummary problems={problems} sentence={sentence} />
        <TextField label={t('groups.form.name')} name="name" defaultValue={group?.name} maxLength={255} autoComplete="off" problem={problems['name']} />
        <SelectField label={t('groups.form.kind')} name="type" defaultValue={kindOf(group?.type)} problem={problems['type']}>
          {KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {t(`groups.kind.${kind}`)}
            </option>
          ))}
        </SelectField>
        <TextArea
          label={t('groups.form.description')}
          name="description"
          defaultValue={group?.description ?? ''}
          maxLength={1000}
          problem={problems['description']}
        />
      </form>
      {group ? null : (
        <section className="picker-part">
          <h3>{t('groups.form.members')}</h3>
          <SitePicker picked={picked} change={pick} />
        </section>
      )}
    </Sheet>
  )
}

function read(form: HTMLFormElement): Content {
  const data = new FormData(form)
  const text = (name: string) => String(data.get(name) ?? '').trim()
  return { name: text('name'), type: text('type'), description: text('description') }
}

/** The form itself has something against it. */
class Unfit extends Error {
  constructor(
    readonly problems: Problems,
    readonly sentence?: string,
  ) {
    super('unfit')
  }
}

function told(error: unknown, words: Words): { problems: Problems; sentence?: string | undefined } {
  if (!error) return { problems: {} }
  if (error instanceof Unfit) return error
  const problems = problemsOf(error, words)
  return { problems, sentence: Object.keys(problems).length === 0 ? say(error, words).sentence : undefined }
}

const contentOf = ({ name, type, description }: Group): Content => ({ name, type: kindOf(type), description: description ?? '' })

/** What was seen a while ago is not enough: somebody may have made or changed a group since. */
function useSave(group: Group | undefined, picked: ReadonlySet<string>, onClose: () => void) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const words = useWords()
  const { t } = words
  const edit = useEdit(group ? contentOf(group) : EMPTY)
  const put = (content: Partial<Content>) => act<Group>('PUT', `/api/groups/${group?.id}`, content)
  const renew = () => client.invalidateQueries({ queryKey: ['groups'] })
  const create = async (content: Content) => {
    const saved = await act<Group>('POST', '/api/groups', { ...content, site_ids: [...picked] })
    await renew()
    onClose()
    toast({ kind: 'success', text: t('groups.created', { name: saved.name, count: saved.site_count }) })
    await navigate({ to: '/groups/$id', params: { id: saved.id } })
  }
  const change = async (content: Content, now: Content) => {
    const fields = edit.changed(content)
    if (fields.length === 0) return onClose()
    const crossed = edit.crossed(now, content, words, (field, value) => (field === 'type' ? t(`groups.kind.${value}`) : value))
    if (Object.keys(crossed).length > 0) throw new Unfit(crossed, t('ui.form.crossed.title'))
    const saved = await put(taken(content, fields))
    await renew()
    onClose()
    const back = () => put(taken(now, fields)).then(renew, (error: unknown) => toast({ kind: 'error', text: say(error, words).sentence }))
    toast({ kind: 'success', text: t('groups.saved', { name: saved.name }), undo: () => void back() })
  }
  return useMutation({
    mutationFn: async (content: Content) => {
      const { groups } = await client.fetchQuery({ ...reads.groups(), staleTime: 0 })
      const other = nameTaken(groups, content.name, group?.id)
      if (other && content.name !== edit.opened.name) throw new Unfit({ name: t('groups.form.name.taken', { name: other.name }) })
      const now = groups.find((one) => one.id === group?.id) ?? group
      await (now ? change(content, contentOf(now)) : create(content))
    },
  })
}
