/** Finds clubs and picks several of them, or all that fit the filters. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { get, type Query } from '~/api/client'
import { say } from '~/api/errors'
import { reads, rowsOf } from '~/api/reads'
import type { Paged, Site } from '~/api/types'
import { useWords } from '~/i18n/words'
import { FilterSelect, SearchField } from '~/ui/filters'
import { Empty, Loaded } from '~/ui/page'
import { StateBadge } from '~/ui/state'
import { toast } from '~/ui/toast'

/** The most that one request may name. */
const MOST = 15_000

interface PickerProps {
  picked: ReadonlySet<string>
  change: (picked: Set<string>) => void
  /** Whoever is in this group is there already. */
  group?: string
  /** Those that are there already where it is no group, and how that is said. */
  there?: { ids: ReadonlySet<string>; said: string }
}

export function SitePicker({ picked, change, group, there }: PickerProps) {
  const { t } = useWords()
  const [filters, setFilters] = useState<{ search?: string | undefined; region?: string | undefined; sport?: string | undefined }>({})
  const facets = useQuery(reads.siteFacets()).data
  const query = useInfiniteQuery(reads.sitesEndless({ sort: 'club_name', ...filters }))
  const members = useMembers(filters, group)
  const said = (id: string) => (members.has(id) ? t('groups.pick.member') : there?.ids.has(id) ? there.said : undefined)
  const { rows, total } = rowsOf(query.data)
  const find = useCallback((search: string | undefined) => setFilters((before) => ({ ...before, search })), [])
  const toggle = (id: string) => {
    const next = new Set(picked)
    if (!next.delete(id)) next.add(id)
    change(next)
  }
  return (
    <div className="picker">
      <div className="picker-filters">
        <SearchField label={t('groups.pick.search')} value={filters.search} onChange={find} />
        {(['region', 'sport'] as const).map((name) => (
          <FilterSelect
            key={name}
            label={t(`groups.pick.${name}`)}
            choices={(facets?.[`${name}s`] ?? []).map(({ value, count }) => ({ value, label: value, count }))}
            value={filters[name]}
            onChange={(value) => setFilters((before) => ({ ...before, [name]: value }))}
          />
        ))}
      </div>
      <PickerHead picked={picked} change={change} filters={filters} total={total} />
      <Loaded query={query} rows={6} isEmpty={() => rows?.length === 0} empty={<Empty title={t('groups.pick.none')} />}>
        {() => (
          <ul className="picker-list">
            {rows?.map((site) => (
              <Choice key={site.id} site={site} member={said(site.id)} chosen={picked.has(site.id)} toggle={toggle} />
            ))}
          </ul>
        )}
      </Loaded>
      {query.hasNextPage ? (
        <button type="button" className="btn sm" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {t('groups.pick.more')}
        </button>
      ) : null}
    </div>
  )
}

/** Those of the same filters that are in the group: as many as a list can show at once. */
function useMembers(filters: Query, group: string | undefined): ReadonlySet<string> {
  const asked = { sort: 'club_name', ...filters, group_id: group, page: 1, limit: 1000 }
  const { data } = useQuery({ ...reads.sites(asked), enabled: group !== undefined })
  return new Set(group ? data?.data.map((site) => site.id) : [])
}

/** `member` says that it is there already. */
function Choice(props: { site: Site; member: string | undefined; chosen: boolean; toggle: (id: string) => void }) {
  const { site, member, chosen, toggle } = props
  return (
    <li>
      <label className="check">
        <input type="checkbox" checked={chosen || member !== undefined} disabled={member !== undefined} onChange={() => toggle(site.id)} />
        <span className="pick-name">
          {site.club_name}
          <small>{[site.site_name, site.location?.city].filter(Boolean).join(' · ')}</small>
        </span>
        {member ? <small>{member}</small> : <StateBadge state={site.display_status} />}
      </label>
    </li>
  )
}

function PickerHead(props: { picked: ReadonlySet<string>; change: PickerProps['change']; filters: Query; total: number | undefined }) {
  const { picked, change, filters, total } = props
  const words = useWords()
  const { t } = words
  const [busy, setBusy] = useState(false)
  const all = async () => {
    setBusy(true)
    try {
      change(new Set([...picked, ...(await everyId(filters))]))
    } catch (error) {
      toast({ kind: 'error', text: say(error, words).sentence })
    } finally {
      setBusy(false)
    }
  }
  return (
    <div className="picker-head">
      <b role="status">{t('groups.pick.picked', { count: picked.size })}</b>
      {picked.size > 0 ? (
        <button type="button" className="link" onClick={() => change(new Set())}>
          {t('groups.pick.nobody')}
        </button>
      ) : null}
      {total && total <= MOST ? (
        <button type="button" className="link" disabled={busy} onClick={() => void all()}>
          {t('groups.pick.all', { count: total })}
        </button>
      ) : null}
    </div>
  )
}

async function everyId(filters: Query): Promise<string[]> {
  const ids: string[] = []
  for (let page = 1; ; page += 1) {
    const part = await get<Paged<Site>>('/api/sites', { ...filters, page, limit: 1000 })
    ids.push(...part.data.map((site) => site.id))
    if (!part.pagination.hasNext) return ids
  }
}
