/** Everybody who may log in: who they are, what they may do, and whether they are safe. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import { adminReads, type Account } from '~/api/admin'
import { useUser } from '~/api/session'
import { mayRule } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { FilterSelect, SearchField } from '~/ui/filters'
import { Icon } from '~/ui/icons'
import { Empty, PageHeader } from '~/ui/page'
import { DataTable } from '~/ui/table'
import { ROLES } from './account'
import { Acts, type Open } from './acts'
import { Alone } from './alone'
import { useColumns } from './columns'
import { AccountForm } from './form'
import '../admin.css'

const route = getRouteApi('/shell/admin/users')
const STATUSES = ['active', 'inactive', 'suspended'] as const

export function Page() {
  const [open, setOpen] = useState<Open>()
  const close = useCallback(() => setOpen(undefined), [])
  return (
    <>
      <Head onCreate={() => setOpen({ what: 'create' })} />
      <Alone />
      <Filters />
      <List setOpen={setOpen} />
      {open?.what === 'create' ? <AccountForm onClose={close} /> : null}
      {open && open.what !== 'create' ? <Acts open={open} onClose={close} /> : null}
    </>
  )
}

function useFilters() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const set = useCallback(
    (next: Partial<typeof search>) => void navigate({ search: (before: typeof search) => ({ ...before, ...next }), replace: true }),
    [navigate],
  )
  const narrowed = Boolean(search.search || search.role || search.status)
  return { search, set, narrowed }
}

const useList = () => {
  const { search } = useFilters()
  const { sort = 'full_name', order = 'asc', ...narrowing } = search
  return useInfiniteQuery(adminReads.accountsEndless({ ...narrowing, sort, order }))
}

function Head({ onCreate }: { onCreate: () => void }) {
  const { t } = useWords()
  const user = useUser()
  const { narrowed } = useFilters()
  const total = useList().data?.pages.at(-1)?.total
  const suspended = useQuery(adminReads.accounts({ status: 'suspended', page: 1, limit: 1 })).data?.total ?? 0
  const said = narrowed ? t('users.found', { count: total ?? 0 }) : t('users.answer', { count: total ?? 0, suspended })
  return (
    <PageHeader
      title={total === undefined ? t('app.page.users') : said}
      document={t('app.page.users')}
      acts={mayRule(user.role) ? <Create onCreate={onCreate} /> : null}
    >
      {mayRule(user.role) ? t('users.subtitle') : t('users.read_only')}
    </PageHeader>
  )
}

function Create({ onCreate }: { onCreate: () => void }) {
  const { t } = useWords()
  const blocked = useReadOnly()
  return (
    <button type="button" className="btn pri" disabled={blocked !== undefined} title={blocked} onClick={onCreate}>
      <Icon name="plus" />
      {t('users.create')}
    </button>
  )
}

function Filters() {
  const { t } = useWords()
  const { search, set } = useFilters()
  const find = useCallback((text: string | undefined) => set({ search: text }), [set])
  return (
    <div className="filters">
      <SearchField label={t('users.search')} value={search.search} onChange={find} />
      <FilterSelect
        label={t('users.column.role')}
        choices={ROLES.map((value) => ({ value, label: t(`app.role.${value}`) }))}
        value={search.role}
        onChange={(role) => set({ role })}
      />
      <FilterSelect
        label={t('users.column.status')}
        choices={STATUSES.map((value) => ({ value, label: t(`users.standing.${value}`) }))}
        value={search.status}
        onChange={(status) => set({ status })}
      />
    </div>
  )
}

function List({ setOpen }: { setOpen: (open: Open) => void }) {
  const { t } = useWords()
  const { search, set, narrowed } = useFilters()
  const query = useList()
  const { data, fetchNextPage, hasNextPage, isFetching } = query
  const rows = useMemo(() => (data ? once(data.pages.flatMap((page) => page.users)) : undefined), [data])
  const more = useCallback(() => void fetchNextPage({ cancelRefetch: false }), [fetchNextPage])
  const columns = useColumns(setOpen)
  return (
    <div className="users">
      <DataTable
        caption={t('app.page.users')}
        query={query}
        rows={rows}
        total={data?.pages.at(-1)?.total}
        rowId={(account) => account.id}
        columns={columns}
        sorting={{ sort: search.sort ?? 'full_name', order: search.order === 'desc' ? 'desc' : 'asc', change: set }}
        more={hasNextPage && !isFetching ? more : undefined}
        filtered={{ active: narrowed, clear: () => set({ search: undefined, role: undefined, status: undefined }) }}
        empty={<Empty icon="person" title={t('users.empty')} />}
      />
    </div>
  )
}

/** A row that moved between two pages could come twice. */
const once = (accounts: Account[]): Account[] => [...new Map(accounts.map((account) => [account.id, account])).values()]
