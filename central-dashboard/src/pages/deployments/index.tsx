/** Every order: what, to whom, when, by whom, and how far it is. */
import { useMediaQuery } from '@mantine/hooks'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import { useDrift } from '~/api/live'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import { mayWrite } from '~/app/pages'
import { useWords, type Words } from '~/i18n/words'
import { FilterSelect, SearchField } from '~/ui/filters'
import { Icon } from '~/ui/icons'
import { Empty, PageHeader } from '~/ui/page'
import { DataTable, type Column } from '~/ui/table'
import { targetName, type Order } from './order'
import { Advance, OrderedAt, StandingBadge, What } from './parts'
import { ordersByPage } from './query'
import { SummaryCard } from './summary'

const route = getRouteApi('/shell/deployments')
const STATUSES = ['in_progress', 'pending', 'scheduled', 'failed', 'completed', 'cancelled'] as const

export function Page() {
  const words = useWords()
  const { t } = words
  const user = useUser()
  const summary = useQuery(reads.deploymentSummary())
  return (
    <>
      <PageHeader
        title={summary.data ? t('deployments.answer', { open: summary.data.open - summary.data.scheduled, failed: summary.data.failed_7d }) : t('app.page.deployments')}
        document={t('app.page.deployments')}
        acts={mayWrite(user.role) ? <SendLink /> : null}
      >
        {t('deployments.subtitle')}
      </PageHeader>
      <SummaryCard query={summary} />
      <Filters />
      <Orders words={words} />
    </>
  )
}

function SendLink() {
  const { t } = useWords()
  return (
    <Link to="/send" className="btn pri">
      <Icon name="send" />
      {t('deployments.send')}
    </Link>
  )
}

function useFilters() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const set = useCallback(
    (next: Partial<typeof search>) =>
      void navigate({ search: (before: typeof search) => ({ ...before, ...next }), replace: true, resetScroll: false }),
    [navigate],
  )
  return { search, set }
}

function Filters() {
  const { t } = useWords()
  const { search, set } = useFilters()
  const find = useCallback((text: string | undefined) => set({ search: text }), [set])
  const choices = STATUSES.map((value) => ({ value, label: t(`deployments.status.${value}`) }))
  return (
    <div className="filters">
      <SearchField label={t('deployments.search')} value={search.search} onChange={find} />
      <button
        type="button"
        className={`btn sm filter${search.open ? ' set' : ''}`}
        aria-pressed={search.open === 'true'}
        onClick={() => set({ open: search.open ? undefined : 'true', status: undefined })}
      >
        {t('deployments.open')}
      </button>
      <FilterSelect
        label={t('deployments.column.state')}
        choices={choices}
        value={search.status}
        onChange={(status) => set({ status, open: undefined })}
      />
      <Narrowed />
    </div>
  )
}

/** A filter that only a link can set: it can be taken off here. */
function Narrowed() {
  const { t } = useWords()
  const { search, set } = useFilters()
  if (!search.video_id && !search.target_id) return null
  return (
    <button type="button" className="btn sm filter set" onClick={() => set({ video_id: undefined, target_id: undefined })}>
      {search.video_id ? t('deployments.one_video') : t('deployments.one_target')}
      <Icon name="close" />
    </button>
  )
}

const NOTHING = { search: undefined, status: undefined, open: undefined, video_id: undefined, target_id: undefined }

function Orders({ words }: { words: Words }) {
  const { t } = words
  const user = useUser()
  const { search, set } = useFilters()
  const options = ordersByPage(search)
  const query = useInfiniteQuery(options)
  const { data, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query
  const changed = useDrift(options.queryKey, query.dataUpdatedAt)
  const rows = useMemo(() => data?.pages.flatMap((page) => page.data), [data])
  const total = data?.pages[data.pages.length - 1]?.total
  const wide = useMediaQuery('(min-width: 1100px)', true)
  // What is least asked for stands on the order's own page, too: narrow screens leave it out.
  const columns = useMemo(() => columnsIn(words).filter(({ id }) => wide || id !== 'who'), [words, wide])
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage])
  const active = Object.values(search).some(Boolean)
  return (
    <DataTable
      caption={t('deployments.caption')}
      query={query}
      rows={rows}
      total={total}
      rowId={(order) => order.id}
      columns={columns}
      href={(order) => `/deployments/${order.id}`}
      more={hasNextPage && !isFetchingNextPage ? more : undefined}
      // Rows that are there are kept true in their places: only new ones ask for the list to be read anew.
      drift={{ count: rows && changed > rows.length ? changed - rows.length : 0, refresh: () => void refetch() }}
      filtered={{ active, clear: () => set(NOTHING) }}
      empty={
        <Empty icon="send" title={t('deployments.empty')} action={mayWrite(user.role) ? <SendLink /> : null}>
          {t('deployments.empty.text')}
        </Empty>
      }
    />
  )
}

function columnsIn(words: Words): Column<Order>[] {
  const { t } = words
  return [
    { id: 'what', header: t('deployments.column.what'), card: 'title', cell: (order) => <What order={order} /> },
    { id: 'whom', header: t('deployments.column.whom'), cell: (order) => targetName(order, words) },
    {
      id: 'advance',
      header: t('deployments.column.advance'),
      card: 'line',
      width: '26%',
      cell: (order) => (
        <>
          <span className="only-table">
            <Advance order={order} />
          </span>
          <span className="only-card">
            <Advance order={order} named />
          </span>
        </>
      ),
    },
    { id: 'state', header: t('deployments.column.state'), card: 'corner', cell: (order) => <StandingBadge order={order} /> },
    { id: 'when', header: t('deployments.column.when'), cell: (order) => <OrderedAt order={order} /> },
    {
      id: 'who',
      header: t('deployments.column.who'),
      cell: (order) => order.deployed_by_name ?? <span className="mut">{t('deployments.nobody')}</span>,
    },
  ]
}
