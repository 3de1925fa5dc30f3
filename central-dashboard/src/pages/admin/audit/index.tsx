/** Who did what, to what, from where: found, read in full, taken along. */
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useCallback } from 'react'
import { adminReads } from '~/api/admin'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Empty, Loaded, PageHeader } from '~/ui/page'
import { Age } from '~/ui/values'
import { Entries } from './entries'
import { ExportButton } from './export'
import { Filters } from './filters'
import { Pager } from './pager'
import { asked, isNarrowed, PAGE, type AuditSearch } from './period'
import './audit.css'

const route = getRouteApi('/shell/admin/audit')

export function Page() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const change = useCallback(
    (next: Partial<AuditSearch>) => void navigate({ search: (before) => ({ ...before, page: undefined, ...next }), replace: true, resetScroll: false }),
    [navigate],
  )
  const query = useQuery(adminReads.audit({ ...asked(search), page: Number(search.page ?? 1), limit: PAGE }))
  const narrowed = isNarrowed(search)
  return (
    <>
      <Head search={search} total={query.data?.total} narrowed={narrowed} again={() => void query.refetch()} />
      <Filters search={search} change={change} />
      <div className="card table-card audit" aria-busy={query.isFetching}>
        {query.isFetching && query.isPlaceholderData ? <div className="table-busy" /> : null}
        <Loaded
          query={query}
          rows={10}
          isEmpty={({ logs }) => logs.length === 0}
          empty={narrowed || search.page ? <NothingFits clear={() => void navigate({ search: {} })} /> : <NothingYet />}
        >
          {({ logs, total, page, totalPages }) => (
            <>
              <Entries entries={logs} change={change} />
              <Pager page={page} pages={totalPages} total={total} go={(to) => change({ page: to > 1 ? String(to) : undefined })} />
            </>
          )}
        </Loaded>
      </div>
    </>
  )
}

function Head(props: { search: AuditSearch; total: number | undefined; narrowed: boolean; again: () => void }) {
  const { t } = useWords()
  const { search, total, narrowed, again } = props
  return (
    <PageHeader
      title={total === undefined ? t('app.page.audit') : t(narrowed ? 'audit.found' : 'audit.answer', { count: total })}
      document={t('app.page.audit')}
      acts={
        <>
          <button type="button" className="btn" onClick={again}>
            <Icon name="again" />
            {t('audit.again')}
          </button>
          <ExportButton search={search} total={total} />
        </>
      }
    >
      <Sealed />
    </PageHeader>
  )
}

/** Whether what stands here can still be changed without being noticed. */
function Sealed() {
  const { t, rich, formats } = useWords()
  const { data } = useQuery(adminReads.seals())
  if (!data) return t('audit.subtitle')
  if (!data.last_seal_at) return t('audit.seal.none')
  return rich('audit.seal.last', { age: <Age at={data.last_seal_at} />, number: formats.number(data.last_number ?? 0), count: data.unsealed })
}

function NothingFits({ clear }: { clear: () => void }) {
  const { t } = useWords()
  return (
    <Empty
      title={t('ui.table.filtered')}
      action={
        <button type="button" className="btn sm" onClick={clear}>
          {t('ui.table.clear')}
        </button>
      }
    />
  )
}

function NothingYet() {
  const { t } = useWords()
  return (
    <Empty icon="book" title={t('audit.empty')}>
      {t('audit.empty.text')}
    </Empty>
  )
}
