/** Every group: what it is called, by what it holds together, how many clubs are in it. */
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import type { Group } from '~/api/types'
import { mayDelete, mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { FilterSelect, SearchField } from '~/ui/filters'
import { Flash } from '~/ui/flash'
import { Icon } from '~/ui/icons'
import { Empty, PageHeader } from '~/ui/page'
import { MoreMenu, type MenuAct } from '~/ui/popover'
import { DataTable, type Column } from '~/ui/table'
import { When } from '~/ui/values'
import { DeleteGroup } from './delete-group'
import { GroupForm } from './group-form'
import { KindChip, KindIcon, KINDS } from './kinds'
import { sorted } from './sorted'

const route = getRouteApi('/shell/groups')
type Open = { what: 'create' } | { what: 'edit' | 'delete'; group: Group }

export function Page() {
  const words = useWords()
  const [open, setOpen] = useState<Open>()
  const close = useCallback(() => setOpen(undefined), [])
  return (
    <>
      <Head onCreate={() => setOpen({ what: 'create' })} />
      <Filters />
      <List words={words} setOpen={setOpen} />
      {open?.what === 'create' ? <GroupForm onClose={close} /> : null}
      {open?.what === 'edit' ? <GroupForm group={open.group} onClose={close} /> : null}
      {open?.what === 'delete' ? <DeleteGroup group={open.group} onClose={close} /> : null}
    </>
  )
}

function Head({ onCreate }: { onCreate: () => void }) {
  const { t } = useWords()
  const { data } = useQuery(reads.groups())
  const user = useUser()
  const empty = data?.groups.filter((group) => group.site_count === 0).length ?? 0
  return (
    <PageHeader
      title={data ? t('groups.answer', { count: data.total, empty }) : t('app.page.groups')}
      document={t('app.page.groups')}
      acts={mayWrite(user.role) ? <Create onCreate={onCreate} /> : null}
    >
      {t('groups.subtitle')}
    </PageHeader>
  )
}

function Create({ onCreate }: { onCreate: () => void }) {
  const { t } = useWords()
  const blocked = useReadOnly()
  return (
    <button type="button" className="btn pri" disabled={blocked !== undefined} title={blocked} onClick={onCreate}>
      <Icon name="plus" />
      {t('groups.create')}
    </button>
  )
}

function useFilters() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const set = useCallback(
    (next: Partial<typeof search>) => void navigate({ search: (before: typeof search) => ({ ...before, ...next }), replace: true }),
    [navigate],
  )
  return { search, set }
}

function Filters() {
  const { t } = useWords()
  const { search, set } = useFilters()
  const find = useCallback((text: string | undefined) => set({ search: text }), [set])
  return (
    <div className="filters">
      <SearchField label={t('groups.search')} value={search.search} onChange={find} />
      <FilterSelect
        label={t('groups.column.kind')}
        choices={KINDS.map((value) => ({ value, label: t(`groups.kind.${value}`) }))}
        value={search.type}
        onChange={(type) => set({ type })}
      />
    </div>
  )
}

function List({ words, setOpen }: { words: Words; setOpen: (open: Open) => void }) {
  const { t } = words
  const user = useUser()
  const { search, set } = useFilters()
  const { sort, order, type, search: text } = search
  const query = useQuery(reads.groups({ ...(text ? { search: text } : {}), ...(type ? { type } : {}) }))
  const rows = useMemo(() => sorted(query.data?.groups, sort, order, words.formats.compare), [query.data, sort, order, words])
  const columns = useColumns(words, setOpen)
  return (
    <DataTable
      caption={t('app.page.groups')}
      query={query}
      rows={rows}
      total={query.data?.total}
      rowId={(group) => group.id}
      columns={columns}
      href={(group) => `/groups/${group.id}`}
      sorting={{ sort: sort ?? 'name', order: order === 'desc' ? 'desc' : 'asc', change: set }}
      filtered={{ active: Boolean(text || type), clear: () => set({ search: undefined, type: undefined }) }}
      empty={
        <Empty
          icon="people"
          title={t('groups.empty')}
          action={mayWrite(user.role) ? <Create onCreate={() => setOpen({ what: 'create' })} /> : null}
        >
          {t('groups.empty.text')}
        </Empty>
      }
    />
  )
}

function useColumns(words: Words, setOpen: (open: Open) => void): Column<Group>[] {
  const user = useUser()
  const blocked = useReadOnly()
  return useMemo(() => {
    const { t, formats } = words
    const columns: Column<Group>[] = [
      {
        id: 'name',
        header: t('groups.column.name'),
        sort: 'name',
        card: 'title',
        cell: (group) => (
          <span className="group-name">
            <KindIcon kind={group.type} />
            <span>{group.name}</span>
          </span>
        ),
      },
      {
        id: 'count',
        header: t('groups.column.sites'),
        sort: 'site_count',
        num: true,
        width: '110px',
        card: 'corner',
        cell: (group) => (
          <Flash of={group.site_count}>
            <span className="only-card">{t('groups.sites', { count: group.site_count })}</span>
            <span className="only-table">{formats.number(group.site_count)}</span>
          </Flash>
        ),
      },
      { id: 'kind', header: t('groups.column.kind'), sort: 'type', width: '120px', cell: (group) => <KindChip kind={group.type} /> },
      {
        id: 'description',
        header: t('groups.column.description'),
        card: 'line',
        cell: (group) => <span className="mut">{group.description || t('groups.no_description')}</span>,
      },
      { id: 'created', header: t('groups.column.created'), sort: 'created_at', width: '150px', cell: (group) => <When at={group.created_at} /> },
    ]
    if (!mayWrite(user.role)) return columns
    const acts = (group: Group): MenuAct[] => [
      { label: t('groups.edit'), icon: 'pen', reason: blocked, run: () => setOpen({ what: 'edit', group }) },
      ...(mayDelete(user.role)
        ? [{ label: t('groups.delete'), icon: 'bin' as const, danger: true, reason: blocked, run: () => setOpen({ what: 'delete', group }) }]
        : []),
    ]
    const menu = (group: Group) => <MoreMenu acts={acts(group)} label={t('groups.acts', { name: group.name })} />
    return [...columns, { id: 'acts', header: t('groups.column.acts'), num: true, width: '70px', cell: menu }]
  }, [words, user.role, blocked, setOpen])
}
