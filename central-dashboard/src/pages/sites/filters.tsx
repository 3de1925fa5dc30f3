import { useQuery } from '@tanstack/react-query'
import { useCallback } from 'react'
import { reads } from '~/api/reads'
import type { Facet } from '~/api/types'
import { useWords } from '~/i18n/words'
import { FilterSelect, SearchField, type Choice } from '~/ui/filters'
import { HOURS, olderThan, type SitesSearch } from './search'

const STATES = ['online', 'warning', 'offline', 'error', 'maintenance', 'unknown'] as const

interface FiltersProps {
  search: SitesSearch
  change: (next: Partial<SitesSearch>) => void
}

/** All filters of the list; their choices are values that exist, with how often they do. */
export function Filters({ search, change }: FiltersProps) {
  const { t } = useWords()
  const find = useCallback((text: string | undefined) => change({ search: text }), [change])
  return (
    <div className="filters">
      <SearchField label={t('sites.search')} value={search.search} onChange={find} />
      <StateFilter search={search} change={change} />
      <FacetFilters search={search} change={change} />
      <GroupFilter search={search} change={change} />
      <SeenFilter search={search} change={change} />
      <ContentFilter search={search} change={change} />
    </div>
  )
}

function StateFilter({ search, change }: FiltersProps) {
  const { t } = useWords()
  const { data } = useQuery(reads.siteStats())
  const choices = STATES.map((state) => ({ value: state, label: t(`ui.state.${state}`), ...(data ? { count: data[state] } : {}) }))
  return (
    <FilterSelect
      label={t('sites.column.state')}
      choices={choices}
      value={search.display_status}
      onChange={(display_status) => change({ display_status })}
    />
  )
}

function FacetFilters({ search, change }: FiltersProps) {
  const { t } = useWords()
  const { data } = useQuery(reads.siteFacets())
  return (
    <>
      <FilterSelect
        label={t('sites.filter.region')}
        choices={choicesOf(data?.regions)}
        value={search.region}
        onChange={(region) => change({ region })}
      />
      <FilterSelect
        label={t('sites.filter.sport')}
        choices={choicesOf(data?.sports)}
        value={search.sport}
        onChange={(sport) => change({ sport })}
      />
      <FilterSelect
        label={t('sites.column.version')}
        choices={choicesOf(data?.versions)}
        value={search.version}
        onChange={(version) => change({ version })}
      />
    </>
  )
}

const choicesOf = (facets: Facet[] | undefined): Choice[] =>
  (facets ?? []).map(({ value, count }) => ({ value, label: value, count }))

function GroupFilter({ search, change }: FiltersProps) {
  const { t } = useWords()
  const { data } = useQuery(reads.groups())
  const choices = (data?.groups ?? []).map((group) => ({ value: group.id, label: group.name, count: group.site_count }))
  return (
    <FilterSelect
      label={t('sites.filter.group')}
      choices={choices}
      value={search.group_id}
      onChange={(group_id) => change({ group_id })}
    />
  )
}

/** Boxes that were not heard of for a while. In the address stands the moment, so that a link means the same later. */
function SeenFilter({ search, change }: FiltersProps) {
  const { t, formats } = useWords()
  const label = (hours: number) =>
    hours < 48 ? t('sites.filter.hours', { count: hours }) : t('sites.filter.days', { count: hours / 24 })
  const choices: Choice[] = HOURS.map((hours) => ({ value: String(hours), label: label(hours) }))
  const { seen_before } = search
  if (seen_before) choices.push({ value: seen_before, label: formats.dateTime(new Date(seen_before)) })
  return (
    <FilterSelect
      label={t('sites.filter.seen')}
      choices={choices}
      value={seen_before}
      onChange={(value) => change({ seen_before: value && value !== seen_before ? olderThan(Number(value)) : value })}
    />
  )
}

/** Boxes that have yet to report something that they are to have, or those that have it all. */
function ContentFilter({ search, change }: FiltersProps) {
  const { t } = useWords()
  const { data } = useQuery(reads.siteStats())
  const choices: Choice[] = [
    { value: 'true', label: t('sites.behind'), ...(data ? { count: data.behind } : {}) },
    { value: 'false', label: t('sites.up_to_date'), ...(data ? { count: data.total_sites - data.behind } : {}) },
  ]
  return (
    <FilterSelect
      label={t('sites.column.content')}
      choices={choices}
      value={search.behind}
      onChange={(behind) => change({ behind })}
    />
  )
}
