import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { act, get } from '~/api/client'
import { say } from '~/api/errors'
import { reads } from '~/api/reads'
import type { components } from '~/api/schema'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { ErrorSummary, SelectField } from '~/ui/form'
import { Icon } from '~/ui/icons'
import { Empty, Loaded } from '~/ui/page'
import { toast } from '~/ui/toast'

type GroupSites = components['schemas']['GroupSites']

/** The server takes so many targets in one order. */
const MOST = 1000

/** What can be done with the chosen clubs. */
export function Bulk({ ids, done }: { ids: ReadonlySet<string>; done: () => void }) {
  const { t } = useWords()
  const [grouping, group] = useState(false)
  const offline = useReadOnly()
  const reason = offline ?? (ids.size > MOST ? t('sites.bulk.most', { count: MOST }) : undefined)
  return (
    <>
      <Link
        to="/send"
        search={{ sites: [...ids].slice(0, MOST).join(',') }}
        className="btn sm pri"
        disabled={reason !== undefined}
        title={reason}
      >
        <Icon name="send" />
        {t('sites.bulk.send')}
      </Link>
      <button type="button" className="btn sm" onClick={() => group(true)} disabled={reason !== undefined} title={reason}>
        <Icon name="people" />
        {t('sites.bulk.group')}
      </button>
      {reason ? <small className="mut">{reason}</small> : null}
      {grouping ? <ToGroup ids={[...ids]} close={() => group(false)} done={done} /> : null}
    </>
  )
}

/** Adds them to a group that exists; the way back takes out only those that were not in it before. */
function ToGroup({ ids, close, done }: { ids: string[]; close: () => void; done: () => void }) {
  const words = useWords()
  const { t } = words
  const groups = useQuery(reads.groups())
  const [sentence, setSentence] = useState<string>()
  const [busy, setBusy] = useState(false)
  const add = useAdd(ids)
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const id = String(new FormData(event.currentTarget).get('group'))
    setBusy(true)
    try {
      await add(id, groups.data?.groups.find((one) => one.id === id)?.name ?? '')
      close()
      done()
    } catch (error) {
      setSentence(say(error, words).sentence)
      setBusy(false)
    }
  }
  return (
    <Dialog
      open
      onClose={close}
      title={t('sites.group.title', { count: ids.length })}
      actions={
        <button type="submit" form="to-group" className="btn pri" disabled={busy || !groups.data?.groups.length}>
          {t('sites.group.add', { count: ids.length })}
        </button>
      }
    >
      <Loaded query={groups} isEmpty={(data) => data.groups.length === 0} empty={<NoGroup />}>
        {(data) => (
          <form id="to-group" className="form" onSubmit={(event) => void submit(event)}>
            <ErrorSummary problems={{}} sentence={sentence} />
            <SelectField label={t('sites.filter.group')} name="group" required>
              {data.groups.map((one) => (
                <option key={one.id} value={one.id}>
                  {t('sites.group.option', { name: one.name, count: one.site_count })}
                </option>
              ))}
            </SelectField>
          </form>
        )}
      </Loaded>
    </Dialog>
  )
}

function NoGroup() {
  const { t } = useWords()
  return (
    <Empty
      icon="people"
      title={t('sites.group.none')}
      action={
        <Link to="/groups" className="btn">
          {t('sites.group.make')}
        </Link>
      }
    />
  )
}

function useAdd(ids: string[]) {
  const words = useWords()
  const client = useQueryClient()
  return async (group: string, name: string) => {
    const before = await get<GroupSites>(`/api/groups/${group}/sites`)
    const members = new Set(before.sites.map((site) => site.id))
    const added = ids.filter((id) => !members.has(id))
    await act('POST', `/api/groups/${group}/sites`, { site_ids: ids })
    const refresh = () => client.invalidateQueries({ queryKey: ['groups'] })
    void refresh()
    toast({
      kind: 'success',
      text: words.t('sites.group.added', { count: added.length, name }),
      ...(added.length > 0 ? { undo: () => void takeOut(group, added, refresh, words) } : {}),
    })
  }
}

async function takeOut(group: string, ids: string[], refresh: () => Promise<void>, words: ReturnType<typeof useWords>) {
  try {
    for (const id of ids) await act('DELETE', `/api/groups/${group}/sites/${id}`)
  } catch (error) {
    toast({ kind: 'error', text: say(error, words).sentence })
  }
  await refresh()
}
