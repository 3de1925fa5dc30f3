/** A new agency, or the words of one that is there. */
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, type FormEvent } from 'react'
import { adminReads, type Agency } from '~/api/admin'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { Sheet } from '~/ui/dialog'
import { Crossed, taken, useEdit } from '~/ui/edits'
import { SelectField, TextArea, TextField, type Problems } from '~/ui/form'
import { SendButton, Trouble, useSending } from '~/ui/sending'
import { toast } from '~/ui/toast'
import { changesOf, contentOf, FIELDS, type Content } from './agency'

export function AgencyForm({ agency, onClose }: { agency?: Agency; onClose: () => void }) {
  const words = useWords()
  const { t } = words
  const form = useId()
  const sending = useSending()
  const save = useSave(agency, onClose)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const content = read(event.currentTarget)
    const own = (error: unknown) => (error instanceof Crossed ? error.said(words) : undefined)
    void sending.send(missing(content, words), () => save(content), own)
  }
  return (
    <Sheet
      open
      onClose={onClose}
      title={agency ? t('agencies.edit') : t('agencies.form.new')}
      actions={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t('ui.keep')}
          </button>
          <SendButton
            of={sending}
            form={form}
            label={agency ? t('agencies.form.save') : t('agencies.form.create')}
            busy={t('users.form.busy')}
            reason={useReadOnly()}
          />
        </>
      }
    >
      <form id={form} className="form" onSubmit={submit} noValidate>
        <Trouble of={sending} />
        <Fields agency={agency} problems={sending.problems} />
      </form>
    </Sheet>
  )
}

function missing({ name, contact_email: email }: Content, { t }: Words): Problems {
  return {
    ...(name ? {} : { name: t('agencies.form.name.missing') }),
    ...(email && !/^\S+@\S+$/.test(email) ? { contact_email: t('users.form.email.wrong') } : {}),
  }
}

function Fields({ agency, problems }: { agency: Agency | undefined; problems: Problems }) {
  const { t } = useWords()
  const text = (name: (typeof FIELDS)[number], most: number) => ({
    label: t(`agencies.form.${name}`),
    name,
    defaultValue: contentOf(agency)[name],
    maxLength: most,
    autoComplete: 'off',
    problem: problems[name],
  })
  return (
    <>
      <TextField {...text('name', 255)} />
      <TextArea {...text('description', 1000)} />
      <TextField {...text('contact_name', 255)} />
      <TextField {...text('contact_email', 255)} type="email" inputMode="email" autoCapitalize="none" spellCheck={false} />
      <TextField {...text('contact_phone', 50)} type="tel" inputMode="tel" />
      {agency ? (
        <SelectField label={t('agencies.column.status')} name="status" defaultValue={agency.status} problem={problems['status']}>
          {(['active', 'inactive', 'suspended'] as const).map((one) => (
            <option key={one} value={one}>
              {t(`agencies.standing.${one}`)}
            </option>
          ))}
        </SelectField>
      ) : null}
    </>
  )
}

function read(form: HTMLFormElement): Content {
  const data = new FormData(form)
  const text = (name: string) => String(data.get(name) ?? '').trim()
  const content = contentOf(undefined)
  for (const name of FIELDS) content[name] = text(name)
  return { ...content, status: text('status') || content.status }
}

function useSave(agency: Agency | undefined, onClose: () => void) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const words = useWords()
  const { t } = words
  const edit = useEdit(contentOf(agency))
  const renew = () => client.invalidateQueries({ queryKey: ['agencies'] })
  const create = async ({ status: _, ...content }: Content) => {
    const { data } = await act<{ data: Agency }>('POST', '/api/agencies', changesOf(content))
    await renew()
    onClose()
    toast({ kind: 'success', text: t('agencies.created', { name: data.name }) })
    await navigate({ to: '/admin/agencies/$id', params: { id: data.id } })
  }
  const change = async (id: string, content: Content) => {
    const fields = edit.changed(content)
    if (fields.length === 0) return onClose()
    const now = contentOf(await client.fetchQuery({ ...adminReads.agency(id), staleTime: 0 }))
    const crossed = edit.crossed(now, content, words, (field, value) => (field === 'status' ? t(`agencies.standing.${value}`) : value))
    if (Object.keys(crossed).length > 0) throw new Crossed(crossed)
    const put = (wanted: Content) => act('PUT', `/api/agencies/${id}`, changesOf(taken(wanted, fields)))
    await put(content)
    await renew()
    onClose()
    const undo = () => void put(now).then(renew, (error: unknown) => toast({ kind: 'error', text: say(error, words).sentence }))
    toast({ kind: 'success', text: t('agencies.saved', { name: content.name }), undo })
  }
  return (content: Content) => (agency ? change(agency.id, content) : create(content))
}
