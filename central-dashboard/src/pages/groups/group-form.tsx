/** A new group with its first members, or the words of one that is there. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState, type FormEvent } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import type { Group } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Sheet } from '~/ui/dialog'
import { ErrorSummary, problemsOf, SelectField, TextArea, TextField, type Problems } from '~/ui/form'
import { toast } from '~/ui/toast'
import { kindOf, KINDS } from './kinds'
import { SitePicker } from './site-picker'

interface Content {
  name: string
  type: string
  description: string
}

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
  const problems = { ...missing, ...problemsOf(save.error, words) }
  const failed = save.error && Object.keys(problemsOf(save.error, words)).length === 0
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
        <ErrorSummary problems={problems} sentence={failed ? say(save.error, words).sentence : undefined} />
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

function useSave(group: Group | undefined, picked: ReadonlySet<string>, onClose: () => void) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const { t } = useWords()
  const put = (content: Content) => act<Group>('PUT', `/api/groups/${group?.id}`, content)
  return useMutation({
    mutationFn: (content: Content) =>
      group ? put(content) : act<Group>('POST', '/api/groups', { ...content, site_ids: [...picked] }),
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: ['groups'] })
      onClose()
      if (!group) {
        toast({ kind: 'success', text: t('groups.created', { name: saved.name, count: saved.site_count }) })
        await navigate({ to: '/groups/$id', params: { id: saved.id } })
        return
      }
      const before = { name: group.name, type: kindOf(group.type), description: group.description ?? '' }
      const undo = () => void put(before).then(() => client.invalidateQueries({ queryKey: ['groups'] }))
      toast({ kind: 'success', text: t('groups.saved', { name: saved.name }), undo })
    },
  })
}
