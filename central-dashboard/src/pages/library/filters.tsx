import { getRouteApi } from '@tanstack/react-router'
import { useCallback } from 'react'
import { useWords } from '~/i18n/words'
import { FilterSelect, SearchField } from '~/ui/filters'
import { Icon } from '~/ui/icons'
import type { Named } from '~/videos/reads'

const route = getRouteApi('/shell/content')

/** Everything by which the library is searched; it stands in the address. */
export function LibraryFilters({ categories }: { categories: Named[] }) {
  const { t } = useWords()
  const search = route.useSearch()
  const set = useSet()
  const setSearch = useCallback((text: string | undefined) => set({ search: text }), [set])
  return (
    <div className="filters" role="search" aria-label={t('library.filters')}>
      <SearchField label={t('library.search')} value={search.search} onChange={setSearch} />
      <FilterSelect
        label={t('library.category')}
        value={search.category}
        choices={categories.map(({ value, count }) => ({ value, label: value, count }))}
        onChange={(category) => set({ category })}
      />
      <FilterSelect
        label={t('library.kind')}
        value={search.kind}
        choices={[
          { value: 'video', label: t('library.kind.video') },
          { value: 'image', label: t('library.kind.image') },
        ]}
        onChange={(kind) => set({ kind })}
      />
      <button
        type="button"
        className={`btn sm filter${search.unused ? ' set' : ''}`}
        aria-pressed={search.unused === 'true'}
        onClick={() => set({ unused: search.unused ? undefined : 'true' })}
      >
        {t('library.unused')}
      </button>
      <Order />
      <Views />
    </div>
  )
}

function Order() {
  const { t } = useWords()
  const { sort = 'created_at', order = 'desc' } = route.useSearch()
  const set = useSet()
  const choices = ['created_at.desc', 'created_at.asc', 'title.asc', 'file_size.desc', 'duration.asc', 'duration.desc']
  return (
    <select
      className="order-select"
      aria-label={t('library.order')}
      value={`${sort}.${order}`}
      onChange={(event) => {
        const [by, way] = event.target.value.split('.')
        set({ sort: by, order: way })
      }}
    >
      {choices.includes(`${sort}.${order}`) ? null : <option value={`${sort}.${order}`}>{t('library.order.own')}</option>}
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {t(`library.order.${choice}`)}
        </option>
      ))}
    </select>
  )
}

function Views() {
  const { t } = useWords()
  const { view } = route.useSearch()
  const set = useSet()
  return (
    <div className="views" role="group" aria-label={t('library.view')}>
      <button type="button" className="ib" aria-pressed={view !== 'list'} aria-label={t('library.view.grid')} onClick={() => set({ view: undefined })}>
        <svg className="i" viewBox="0 0 24 24" aria-hidden="true">
          <path d="M4 4h7v7H4zM13.500 4h7v7h-7zM4 13.500h7v7H4zM13.500 13.500h7v7h-7z" />
        </svg>
      </button>
      <button type="button" className="ib" aria-pressed={view === 'list'} aria-label={t('library.view.list')} onClick={() => set({ view: 'list' })}>
        <Icon name="menu" />
      </button>
    </div>
  )
}

type Search = ReturnType<typeof route.useSearch>

/** Changes some filters and keeps the others. */
export function useSet() {
  const navigate = route.useNavigate()
  return useCallback(
    (by: Partial<Search>) => void navigate({ search: (before) => ({ ...before, ...by }), replace: true }),
    [navigate],
  )
}

/** Takes all filters away; order and view stay. */
export function useClear() {
  const set = useSet()
  return () => set({ search: undefined, category: undefined, kind: undefined, unused: undefined })
}

export function useIsFiltered(): boolean {
  const { search, category, kind, unused } = route.useSearch()
  return [search, category, kind, unused].some(Boolean)
}
