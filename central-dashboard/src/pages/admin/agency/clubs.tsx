/** The clubs that an agency sees: found by name, taken away with a way back. */
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useCallback, useMemo, useState, type ReactNode } from 'react'
import { adminReads, type Agency, type AgencySite } from '~/api/admin'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { fold, SearchField } from '~/ui/filters'
import { Icon } from '~/ui/icons'
import { Empty } from '~/ui/page'
import { StateBadge } from '~/ui/state'
import { DataTable, type Column, type Selection } from '~/ui/table'
import { useClubs } from './acts'

const route = getRouteApi('/shell/admin/agencies/$id')

export function Clubs({ agency, add }: { agency: Agency; add: ReactNode }) {
  const words = useWords()
  const { t } = words
  const { search } = route.useSearch()
  const navigate = route.useNavigate()
  const find = useCallback(
    (text: string | undefined) => void navigate({ search: { search: text }, replace: true, resetScroll: false }),
    [navigate],
  )
  const query = useQuery(adminReads.agencySites(agency.id))
  const rows = useMemo(() => narrowed(query.data?.sites, search, words), [query.data, search, words])
  const { columns, selection } = useRemoval(agency, rows, words)
  return (
    <section className="members">
      <header className="filters">
        <h2>{t('agency.clubs', { count: query.data?.total ?? 0 })}</h2>
        <SearchField label={t('agency.search')} value={search} onChange={find} />
      </header>
      <DataTable
        caption={t('agency.caption', { name: agency.name })}
        query={query}
        rows={rows}
        total={query.data?.total}
        rowId={(site) => site.id}
        columns={columns}
        href={(site) => `/sites/${site.id}/apercu`}
        filtered={{ active: Boolean(search), clear: () => find(undefined) }}
        selection={selection}
        empty={
          <Empty icon="screen" title={t('agency.empty')} action={add}>
            {t('agency.empty.text')}
          </Empty>
        }
      />
    </section>
  )
}

/** The server gives all of them at once. */
function narrowed(sites: AgencySite[] | undefined, search: string | undefined, { formats }: Words): AgencySite[] | undefined {
  const wanted = fold(search?.trim() ?? '')
  const says = (site: AgencySite) => fold([site.club_name, site.site_name, site.location?.city].join(' '))
  return sites?.filter((site) => says(site).includes(wanted)).toSorted((a, b) => formats.compare(a.club_name, b.club_name))
}

function useRemoval(agency: Agency, rows: AgencySite[] | undefined, words: Words) {
  const { t } = words
  const blocked = useReadOnly()
  const { remove } = useClubs(agency)
  const { mutate, isPending } = remove
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set())
  const disabled = isPending || blocked !== undefined
  const columns = useMemo(() => columnsIn(words, disabled, blocked, (id) => mutate([id])), [words, disabled, blocked, mutate])
  const bulk = (ids: ReadonlySet<string>) => (
    <button
      type="button"
      className="btn sm"
      disabled={disabled}
      title={blocked}
      onClick={() => mutate([...ids], { onSuccess: () => choose(new Set()) })}
    >
      <Icon name="close" />
      {t('agency.remove', { count: ids.size })}
    </button>
  )
  const name = (id: string) => rows?.find((site) => site.id === id)?.club_name ?? ''
  const selection: Selection = { ids: chosen, change: choose, bulk, name }
  return { columns, selection }
}

function columnsIn({ t }: Words, disabled: boolean, reason: string | undefined, remove: (id: string) => void): Column<AgencySite>[] {
  return [
    { id: 'state', header: t('agency.column.state'), width: '128px', card: 'corner', cell: (site) => <StateBadge state={site.display_status} /> },
    {
      id: 'club',
      header: t('agency.column.club'),
      card: 'title',
      cell: (site) => (
        <>
          {site.club_name} <span className="row-second">{site.site_name}</span>
        </>
      ),
    },
    { id: 'city', header: t('agency.column.city'), card: 'line', cell: (site) => site.location?.city },
    {
      id: 'remove',
      header: t('agency.column.act'),
      num: true,
      width: '70px',
      cell: (site) => (
        <button
          type="button"
          className="ib small"
          disabled={disabled}
          title={reason ?? t('agency.remove_one', { club: site.club_name })}
          aria-label={t('agency.remove_one', { club: site.club_name })}
          onClick={() => remove(site.id)}
        >
          <Icon name="close" />
        </button>
      ),
    },
  ]
}
