import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import type { SiteStats } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Empty, PageHeader } from '~/ui/page'
import { DataTable } from '~/ui/table'
import { Bulk } from './bulk'
import { columns } from './columns'
import { ExportButton } from './export'
import { Filters } from './filters'
import { asked, isNarrowed, standing, type SitesSearch } from './search'
import { useSites } from './use-sites'
import './sites.css'

const route = getRouteApi('/shell/sites')

/** Every club, found, compared and acted on. What is on the screen is in the address. */
export function Page() {
  const words = useWords()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const writes = mayWrite(useUser().role)
  const sites = useSites(asked(search))
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set())
  const filters = JSON.stringify(search)
  useEffect(() => choose(new Set()), [filters])
  const change = useCallback(
    (next: Partial<SitesSearch>) => void navigate({ search: (before) => ({ ...before, ...next }), replace: true }),
    [navigate],
  )
  const names = useMemo(() => new Map(sites.rows?.map((site) => [site.id, site.club_name])), [sites.rows])
  const { sort = 'club_name', order } = search
  return (
    <>
      <Head total={sites.total} narrowed={isNarrowed(search)} search={search} writes={writes} />
      <Filters search={search} change={change} />
      <DataTable
        caption={words.t('app.page.sites')}
        {...sites}
        columns={useMemo(() => columns(words), [words])}
        rowId={(site) => site.id}
        href={(site) => `/sites/${site.id}/apercu`}
        sorting={{ sort, order: order === 'desc' ? 'desc' : 'asc', change }}
        filtered={{ active: isNarrowed(search), clear: () => void navigate({ search: {} }) }}
        empty={<NothingYet writes={writes} />}
        {...(writes
          ? {
              selection: {
                ids: chosen,
                change: choose,
                name: (id: string) => names.get(id) ?? '',
                bulk: (ids: ReadonlySet<string>) => <Bulk ids={ids} done={() => choose(new Set())} />,
              },
            }
          : {})}
      />
    </>
  )
}

function Head(props: { total: number | undefined; narrowed: boolean; search: SitesSearch; writes: boolean }) {
  const { t, formats } = useWords()
  const { total, narrowed, search, writes } = props
  const { data } = useQuery(reads.siteStats())
  const count = (value: number) => ({ count: value, shown: formats.number(value) })
  const states = (stats: SiteStats) => formats.list(standing(stats).map(([state, sites]) => t(`sites.${state}`, count(sites))))
  const said = total === undefined ? t('app.page.sites') : t(narrowed ? 'sites.found' : 'sites.all', count(total))
  return (
    <PageHeader
      title={said}
      document={t('app.page.sites')}
      acts={
        <>
          {total === 0 && !narrowed ? null : <ExportButton search={search} total={total} />}
          {writes ? <AddLink /> : null}
        </>
      }
    >
      {data && data.total_sites > 0 ? (narrowed ? t('sites.whole', { states: states(data) }) : states(data)) : null}
    </PageHeader>
  )
}

function AddLink() {
  const { t } = useWords()
  const reason = useReadOnly()
  return (
    <Link to="/sites/new" className="btn pri" disabled={reason !== undefined} title={reason}>
      <Icon name="plus" />
      {t('sites.add')}
    </Link>
  )
}

function NothingYet({ writes }: { writes: boolean }) {
  const { t } = useWords()
  return (
    <Empty icon="screen" title={t('sites.empty.title')} action={writes ? <AddLink /> : undefined}>
      {t('sites.empty.text')}
    </Empty>
  )
}
