/** Who is in the group: their states live, taken out with a way back. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useCallback, useMemo, useState, type ReactNode } from 'react'
import { useDrift } from '~/api/live'
import { reads, rowsOf } from '~/api/reads'
import { useUser } from '~/api/session'
import type { Group, Site } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { FilterSelect, SearchField } from '~/ui/filters'
import { Flash } from '~/ui/flash'
import { Icon } from '~/ui/icons'
import { StateBadge } from '~/ui/state'
import { DataTable, type Column, type Selection } from '~/ui/table'
import { Age } from '~/ui/values'
import { useMembership } from './acts'
import { STATES } from './query'

const route = getRouteApi('/shell/groups/$id')

export function Members({ group, empty }: { group: Group; empty: ReactNode }) {
  const words = useWords()
  const { t } = words
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const set = useCallback(
    (next: Partial<typeof search>) =>
      void navigate({ search: (before: typeof search) => ({ ...before, ...next }), replace: true, resetScroll: false }),
    [navigate],
  )
  const find = useCallback((text: string | undefined) => set({ search: text }), [set])
  const options = reads.sitesEndless({ sort: 'club_name', ...search, group_id: group.id })
  const query = useInfiniteQuery(options)
  const { fetchNextPage, hasNextPage, isFetching } = query
  const { rows, total } = useMemo(() => rowsOf(query.data), [query.data])
  const more = useCallback(() => void fetchNextPage({ cancelRefetch: false }), [fetchNextPage])
  const drift = useDrift(options.queryKey, query.dataUpdatedAt)
  const { columns, selection } = useRemoval(group, rows, words)
  // Every change of the fleet is told: only those that can move a row of this list count.
  const moved = search.sort === 'last_seen_at' || search.display_status ? Math.min(drift, rows?.length ?? 0) : 0
  const states = STATES.map((value) => ({ value, label: t(`ui.state.${value}`) }))
  return (
    <section className="members">
      <header className="filters">
        <h2>{t('group.members')}</h2>
        <SearchField label={t('group.search')} value={search.search} onChange={find} />
        <FilterSelect
          label={t('group.column.state')}
          choices={states}
          value={search.display_status}
          onChange={(display_status) => set({ display_status })}
        />
      </header>
      <DataTable
        caption={t('group.caption', { name: group.name })}
        query={query}
        rows={rows}
        total={total}
        rowId={(site) => site.id}
        columns={columns}
        href={(site) => `/sites/${site.id}/apercu`}
        sorting={{ sort: search.sort ?? 'club_name', order: search.order === 'desc' ? 'desc' : 'asc', change: set }}
        more={hasNextPage && !isFetching ? more : undefined}
        drift={{ count: moved, refresh: () => void query.refetch() }}
        filtered={{
          active: Boolean(search.search || search.display_status),
          clear: () => set({ search: undefined, display_status: undefined }),
        }}
        empty={empty}
        {...(selection ? { selection } : {})}
      />
    </section>
  )
}

/** The columns, and what those who may change the group have beside them. */
function useRemoval(group: Group, rows: Site[] | undefined, words: Words) {
  const user = useUser()
  const blocked = useReadOnly()
  const writes = mayWrite(user.role)
  const { remove } = useMembership(group)
  const { mutate, isPending } = remove
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set())
  const disabled = isPending || blocked !== undefined
  const columns = useMemo(() => {
    const list = columnsIn(words)
    if (!writes) return list
    return [...list, removeColumn(words, disabled, blocked, (id) => mutate([id]))]
  }, [words, writes, disabled, blocked, mutate])
  if (!writes) return { columns, selection: undefined }
  const name = (id: string) => rows?.find((site) => site.id === id)?.club_name ?? ''
  const bulk = (ids: ReadonlySet<string>) => (
    <button
      type="button"
      className="btn sm"
      disabled={disabled}
      title={blocked}
      onClick={() => mutate([...ids], { onSuccess: () => choose(new Set()) })}
    >
      <Icon name="close" />
      {words.t('group.remove', { count: ids.size })}
    </button>
  )
  const selection: Selection = { ids: chosen, change: choose, bulk, name }
  return { columns, selection }
}

function removeColumn(
  { t }: Words,
  disabled: boolean,
  reason: string | undefined,
  remove: (id: string) => void,
): Column<Site> {
  return {
    id: 'remove',
    header: t('group.column.act'),
    num: true,
    width: '70px',
    cell: (site) => (
      <button
        type="button"
        className="ib small"
        disabled={disabled}
        title={reason ?? t('group.remove_one', { club: site.club_name })}
        aria-label={t('group.remove_one', { club: site.club_name })}
        onClick={() => remove(site.id)}
      >
        <Icon name="close" />
      </button>
    ),
  }
}

function columnsIn({ t }: Words): Column<Site>[] {
  return [
    {
      id: 'state',
      header: t('group.column.state'),
      width: '128px',
      card: 'corner',
      cell: (site) => (
        <Flash of={site.display_status}>
          <StateBadge state={site.display_status} />
        </Flash>
      ),
    },
    {
      id: 'club',
      header: t('group.column.club'),
      sort: 'club_name',
      card: 'title',
      cell: (site) => (
        <>
          {site.club_name} <span className="row-second">{site.site_name}</span>
        </>
      ),
    },
    {
      id: 'city',
      header: t('group.column.city'),
      sort: 'city',
      card: 'line',
      cell: (site) => (
        <>
          {site.location?.city}
          <span className="only-card">
            {site.location?.city ? ' · ' : null}
            <Age at={site.last_seen_at} />
          </span>
        </>
      ),
    },
    { id: 'seen', header: t('group.column.seen'), sort: 'last_seen_at', width: '130px', cell: (site) => <Age at={site.last_seen_at} /> },
    {
      id: 'version',
      header: t('group.column.version'),
      sort: 'software_version',
      width: '100px',
      cell: (site) => site.software_version ?? <span className="mut">{t('ui.unknown')}</span>,
    },
  ]
}
