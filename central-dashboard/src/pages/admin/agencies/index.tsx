/** Every agency: who it is, whom one calls, how many clubs it sees. */
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import { adminReads, type Agency } from '~/api/admin'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { FilterSelect, SearchField } from '~/ui/filters'
import { Icon } from '~/ui/icons'
import { Empty, PageHeader } from '~/ui/page'
import { MoreMenu, type MenuAct } from '~/ui/popover'
import { DataTable, type Column } from '~/ui/table'
import { When } from '~/ui/values'
import { StandingBadge } from '../users/badges'
import { narrowed, sorted } from './agency'
import { DeleteAgency } from './delete'
import { AgencyForm } from './form'
import '../admin.css'

const route = getRouteApi('/shell/admin/agencies')
const STATUSES = ['active', 'inactive', 'suspended'] as const
type Open = { what: 'create' } | { what: 'edit' | 'delete'; agency: Agency }

export function Page() {
  const words = useWords()
  const [open, setOpen] = useState<Open>()
  const close = useCallback(() => setOpen(undefined), [])
  return (
    <>
      <Head onCreate={() => setOpen({ what: 'create' })} />
      <Filters />
      <List words={words} setOpen={setOpen} />
      {open?.what === 'create' ? <AgencyForm onClose={close} /> : null}
      {open?.what === 'edit' ? <AgencyForm agency={open.agency} onClose={close} /> : null}
      {open?.what === 'delete' ? <DeleteAgency agency={open.agency} onClose={close} /> : null}
    </>
  )
}

function Head({ onCreate }: { onCreate: () => void }) {
  const { t } = useWords()
  const { data } = useQuery(adminReads.agencies())
  const without = data?.agencies.filter((agency) => agency.site_count === 0).length ?? 0
  return (
    <PageHeader
      title={data ? t('agencies.answer', { count: data.total, without }) : t('app.page.agencies')}
      document={t('app.page.agencies')}
      acts={<Create onCreate={onCreate} />}
    >
      {t('agencies.subtitle')}
    </PageHeader>
  )
}

function Create({ onCreate }: { onCreate: () => void }) {
  const { t } = useWords()
  const blocked = useReadOnly()
  return (
    <button type="button" className="btn pri" disabled={blocked !== undefined} title={blocked} onClick={onCreate}>
      <Icon name="plus" />
      {t('agencies.create')}
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
      <SearchField label={t('agencies.search')} value={search.search} onChange={find} />
      <FilterSelect
        label={t('agencies.column.status')}
        choices={STATUSES.map((value) => ({ value, label: t(`agencies.standing.${value}`) }))}
        value={search.status}
        onChange={(status) => set({ status })}
      />
    </div>
  )
}

function List({ words, setOpen }: { words: Words; setOpen: (open: Open) => void }) {
  const { t, formats } = words
  const { search, set } = useFilters()
  const { sort, order, status, search: text } = search
  const query = useQuery(adminReads.agencies())
  const rows = useMemo(
    () => sorted(narrowed(query.data?.agencies, text, status), sort, order, formats.compare),
    [query.data, text, status, sort, order, formats],
  )
  const columns = useColumns(words, setOpen)
  return (
    <DataTable
      caption={t('app.page.agencies')}
      query={query}
      rows={rows}
      total={rows?.length}
      rowId={(agency) => agency.id}
      columns={columns}
      href={(agency) => `/admin/agencies/${agency.id}`}
      sorting={{ sort: sort ?? 'name', order: order === 'desc' ? 'desc' : 'asc', change: set }}
      filtered={{ active: Boolean(text || status), clear: () => set({ search: undefined, status: undefined }) }}
      empty={
        <Empty icon="building" title={t('agencies.empty')} action={<Create onCreate={() => setOpen({ what: 'create' })} />}>
          {t('agencies.empty.text')}
        </Empty>
      }
    />
  )
}

function useColumns(words: Words, setOpen: (open: Open) => void): Column<Agency>[] {
  const blocked = useReadOnly()
  return useMemo(() => {
    const { t } = words
    const acts = (agency: Agency): MenuAct[] => [
      { label: t('agencies.edit'), icon: 'pen', reason: blocked, run: () => setOpen({ what: 'edit', agency }) },
      { label: t('agencies.delete'), icon: 'bin', danger: true, reason: blocked, run: () => setOpen({ what: 'delete', agency }) },
    ]
    return [
      ...facts(words),
      {
        id: 'acts',
        header: t('agencies.column.acts'),
        num: true,
        width: '70px',
        cell: (agency) => <MoreMenu acts={acts(agency)} label={t('agencies.acts', { name: agency.name })} />,
      },
    ]
  }, [words, blocked, setOpen])
}

function facts({ t, formats }: Words): Column<Agency>[] {
  return [
    {
      id: 'name',
      header: t('agencies.column.name'),
      sort: 'name',
      card: 'title',
      cell: (agency) => (
        <span className="person">
          <b title={agency.name}>{agency.name}</b>
          {agency.description ? <small className="only-table">{agency.description}</small> : null}
        </span>
      ),
    },
    {
      id: 'contact',
      header: t('agencies.column.contact'),
      card: 'line',
      cell: (agency) => (
        <span className="person">
          <span>{agency.contact_name || agency.contact_email || <span className="mut">{t('agencies.no_contact')}</span>}</span>
          {agency.contact_name && agency.contact_email ? <small className="only-table">{agency.contact_email}</small> : null}
        </span>
      ),
    },
    {
      id: 'clubs',
      header: t('agencies.column.clubs'),
      sort: 'site_count',
      num: true,
      width: '100px',
      card: 'corner',
      cell: (agency) => (
        <>
          <span className="only-card">{t('agencies.clubs', { count: agency.site_count })}</span>
          <span className="only-table">{formats.number(agency.site_count)}</span>
        </>
      ),
    },
    {
      id: 'status',
      header: t('agencies.column.status'),
      sort: 'status',
      width: '120px',
      cell: (agency) => <StandingBadge standing={agency.status} said={t(`agencies.standing.${agency.status}`)} />,
    },
    { id: 'created', header: t('agencies.column.created'), sort: 'created_at', width: '150px', cell: (agency) => <When at={agency.created_at} /> },
  ]
}
