/** One group: who is in it, how they are, and what was sent to them. */
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { isGone } from '~/api/errors'
import { useUser } from '~/api/session'
import type { DisplayState, Group } from '~/api/types'
import { mayDelete, mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Figure, SegmentBar } from '~/ui/figures'
import { Flash } from '~/ui/flash'
import { Icon } from '~/ui/icons'
import { Empty, Failed, Loaded, PageHeader, Skeleton } from '~/ui/page'
import { MoreMenu, type MenuAct } from '~/ui/popover'
import { DeleteGroup } from '../groups/delete-group'
import { GroupForm } from '../groups/group-form'
import { KindChip } from '../groups/kinds'
import { AddMembers } from './add-members'
import { Members } from './members'
import { Orders } from './orders'
import { countsOf, STATES, useGroup, type Counts } from './query'
import './group.css'

const route = getRouteApi('/shell/groups/$id')

type Open = 'add' | 'edit' | 'delete'

export function Page() {
  const { t } = useWords()
  const { id } = route.useParams()
  const user = useUser()
  const query = useGroup(id)
  const group = query.data
  const [open, setOpen] = useState<Open>()
  if (!group && isGone(query.error)) return <Gone />
  // The heading stays the same element while the group comes: it has the focus after one arrived.
  return (
    <>
      <PageHeader
        title={group ? <Name group={group} /> : t('app.page.groups')}
        document={group?.name}
        crumb={group?.name}
        acts={group && mayWrite(user.role) ? <Acts group={group} setOpen={setOpen} /> : null}
      >
        {group ? [t('group.count', { count: group.site_count }), group.description].filter(Boolean).join(' · ') : null}
      </PageHeader>
      {group ? (
        <Whole group={group} open={open} setOpen={setOpen} />
      ) : (
        <section className="card">
          {query.error ? <Failed error={query.error} retry={() => void query.refetch()} /> : <Skeleton rows={6} />}
        </section>
      )}
    </>
  )
}

function Name({ group }: { group: Group }) {
  return (
    <>
      {group.name} <KindChip kind={group.type} />
    </>
  )
}

function Gone() {
  const { t } = useWords()
  return (
    <>
      <PageHeader title={t('group.gone')} />
      <section className="card">
        <Empty
          icon="people"
          title={t('group.gone.why')}
          action={
            <Link to="/groups" className="btn">
              {t('group.gone.back')}
            </Link>
          }
        />
      </section>
    </>
  )
}

function Whole({ group, open, setOpen }: { group: Group; open: Open | undefined; setOpen: (open?: Open) => void }) {
  const user = useUser()
  const navigate = useNavigate()
  const close = () => setOpen(undefined)
  return (
    <>
      <div className="row s1 group-top">
        <States group={group} />
        <Orders group={group} />
      </div>
      <Members group={group} empty={<NoMembers writes={mayWrite(user.role)} onAdd={() => setOpen('add')} />} />
      {open === 'add' ? <AddMembers group={group} onClose={close} /> : null}
      {open === 'edit' ? <GroupForm group={group} onClose={close} /> : null}
      {open === 'delete' ? <DeleteGroup group={group} onClose={close} onDone={() => void navigate({ to: '/groups' })} /> : null}
    </>
  )
}

function Acts({ group, setOpen }: { group: Group; setOpen: (open: Open) => void }) {
  const { t } = useWords()
  const user = useUser()
  const blocked = useReadOnly()
  const acts: MenuAct[] = [{ label: t('groups.edit'), icon: 'pen', reason: blocked, run: () => setOpen('edit') }]
  if (mayDelete(user.role)) {
    acts.push({ label: t('groups.delete'), icon: 'bin', danger: true, reason: blocked, run: () => setOpen('delete') })
  }
  return (
    <>
      <button type="button" className="btn" disabled={blocked !== undefined} title={blocked} onClick={() => setOpen('add')}>
        <Icon name="plus" />
        {t('group.add')}
      </button>
      {group.site_count > 0 ? (
        <Link to="/send" search={{ groups: group.id }} className="btn pri">
          <Icon name="send" />
          {t('group.send')}
        </Link>
      ) : (
        <button type="button" className="btn pri" disabled title={t('group.send.empty')}>
          <Icon name="send" />
          {t('group.send')}
        </button>
      )}
      <MoreMenu acts={acts} />
    </>
  )
}

function NoMembers({ writes, onAdd }: { writes: boolean; onAdd: () => void }) {
  const { t } = useWords()
  return (
    <Empty
      icon="people"
      title={t('group.empty')}
      action={
        writes ? (
          <button type="button" className="btn" onClick={onAdd}>
            {t('group.add')}
          </button>
        ) : null
      }
    >
      {t('group.empty.text')}
    </Empty>
  )
}

/** The members by state: shape, word, number; each is a filter of the list. */
function States({ group }: { group: Group }) {
  const { t } = useWords()
  const query = useQuery(countsOf(group.id))
  return (
    <section className="card group-states">
      <header>
        <h2>{t('group.states')}</h2>
      </header>
      <Loaded query={query} rows={2}>
        {(counts) => <Shares counts={counts} />}
      </Loaded>
    </section>
  )
}

/** These always stand there; the others only when there are any. */
const ALWAYS: readonly DisplayState[] = ['online', 'offline', 'unknown']

function Shares({ counts }: { counts: Counts }) {
  const { t, formats } = useWords()
  const { id } = route.useParams()
  const search = route.useSearch()
  const total = STATES.reduce((sum, state) => sum + counts[state], 0)
  const shown = STATES.filter((state) => ALWAYS.includes(state) || counts[state] > 0)
  const segments = STATES.map((state) => ({
    state,
    value: counts[state],
    label: t('group.share', { state: t(`ui.state.${state}`), count: formats.number(counts[state]) }),
  }))
  return (
    <>
      {total > 0 ? <SegmentBar segments={segments} /> : null}
      <div className="figures even">
        {shown.map((state) => (
          <Link
            key={state}
            to="/groups/$id"
            params={{ id }}
            search={search.display_status === state ? {} : { display_status: state }}
            replace
            resetScroll={false}
            className={search.display_status === state ? 'share chosen' : 'share'}
            aria-current={search.display_status === state ? 'true' : undefined}
          >
            <Figure
              state={state}
              label={t(`ui.state.${state}`)}
              value={<Flash of={counts[state]}>{formats.number(counts[state])}</Flash>}
              note={total > 0 ? formats.percent(counts[state] / total, 1) : undefined}
            />
          </Link>
        ))}
      </div>
    </>
  )
}
