/** By what the journal is narrowed; all of it stands in the address. */
import { useQuery } from '@tanstack/react-query'
import { useCallback } from 'react'
import { adminReads } from '~/api/admin'
import { useWords } from '~/i18n/words'
import { FilterSelect, SearchField } from '~/ui/filters'
import { Icon } from '~/ui/icons'
import { nameOf } from '../users/account'
import { actionIn, KINDS } from './names'
import { dayAgo, DAYS, type AuditSearch } from './period'

interface FiltersProps {
  search: AuditSearch
  change: (next: Partial<AuditSearch>) => void
}

export function Filters({ search, change }: FiltersProps) {
  const words = useWords()
  const { t } = words
  const actions = useQuery(adminReads.auditActions()).data?.actions ?? []
  const find = useCallback((text: string | undefined) => change({ search: text }), [change])
  const named = actions.map((value) => ({ value, label: actionIn(words, value) }))
  return (
    <div className="filters">
      <SearchField label={t('audit.search')} value={search.search} onChange={find} />
      <FilterSelect
        label={t('audit.column.action')}
        choices={named.toSorted((a, b) => words.formats.compare(a.label, b.label))}
        value={search.action}
        onChange={(action) => change({ action })}
      />
      <PersonFilter search={search} change={change} />
      <FilterSelect
        label={t('audit.column.target')}
        choices={KINDS.map((value) => ({ value, label: t(`audit.target.${value}`) }))}
        value={search.targetType}
        onChange={(targetType) => change({ targetType, targetId: undefined })}
      />
      {search.targetId ? (
        <button type="button" className="btn sm filter set" onClick={() => change({ targetId: undefined })}>
          {t('audit.one_target')}
          <Icon name="close" />
        </button>
      ) : null}
      <Period search={search} change={change} />
    </div>
  )
}

function PersonFilter({ search, change }: FiltersProps) {
  const { t, formats } = useWords()
  const { data } = useQuery(adminReads.accounts())
  const people = (data?.users ?? []).map((account) => ({ value: account.id, label: nameOf(account) }))
  // Somebody who was deleted still stands in the journal.
  if (data && search.userId && !people.some(({ value }) => value === search.userId)) {
    people.push({ value: search.userId, label: t('audit.person.gone') })
  }
  return (
    <FilterSelect
      label={t('audit.column.person')}
      choices={people.toSorted((a, b) => formats.compare(a.label, b.label))}
      value={search.userId}
      onChange={(userId) => change({ userId })}
    />
  )
}

/** Days, with the usual ones at hand. */
function Period({ search: { from, to }, change }: FiltersProps) {
  const { t } = useWords()
  const usual = DAYS.map((days) => ({ value: dayAgo(days - 1), label: t('audit.period.days', { count: days }) }))
  const chosen = to === undefined ? usual.find(({ value }) => value === from)?.value : undefined
  return (
    <>
      <FilterSelect
        label={t('audit.period')}
        choices={usual}
        value={chosen}
        onChange={(value) => change({ from: value, to: undefined })}
      />
      <span className="days">
        <label className="day">
          <span>{t('audit.period.from')}</span>
          <input type="date" value={from ?? ''} max={to} onChange={(event) => change({ from: event.target.value || undefined })} />
        </label>
        <label className="day">
          <span>{t('audit.period.to')}</span>
          <input type="date" value={to ?? ''} min={from} onChange={(event) => change({ to: event.target.value || undefined })} />
        </label>
      </span>
    </>
  )
}
