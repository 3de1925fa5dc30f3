/** What is wrong with the fleet, or was: taken on by who looks after it, closed when it is over. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import type { Alert } from '~/api/types'
import { ADMINS, mayDelete, mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { FilterSelect } from '~/ui/filters'
import { Icon } from '~/ui/icons'
import { Empty, PageHeader } from '~/ui/page'
import { MoreMenu, type MenuAct } from '~/ui/popover'
import { Shape, type Progress } from '~/ui/state'
import { DataTable, type Column } from '~/ui/table'
import { toast } from '~/ui/toast'
import { Age, When } from '~/ui/values'
import './alerts.css'

const route = getRouteApi('/shell/alerts')
const STATES = ['active', 'acknowledged', 'resolved'] as const
const SEVERITIES = ['critical', 'warning'] as const
/** How many a page shows; older ones are found by the filters. */
const SHOWN = 500

export function Page() {
  const words = useWords()
  const { t } = words
  const search = route.useSearch()
  // Without a filter: what is open.
  const query = useQuery(reads.alerts({ status: search.status ?? 'open', severity: search.severity, limit: SHOWN }))
  const counts = query.data?.counts
  const filtered = search.status !== undefined || search.severity !== undefined
  const navigate = route.useNavigate()
  const set = useCallback(
    (next: Partial<typeof search>) => void navigate({ search: (before: typeof search) => ({ ...before, ...next }), replace: true }),
    [navigate],
  )
  return (
    <>
      <PageHeader title={counts ? t('alerts.answer', { count: counts.open, critical: counts.critical }) : t('app.page.alerts')} document={t('app.page.alerts')} acts={<Rules />}>
        {t('alerts.subtitle')}
      </PageHeader>
      <div className="filters">
        <FilterSelect
          label={t('alerts.column.state')}
          choices={STATES.map((value) => ({ value, label: t(`alerts.state.${value}`) }))}
          value={search.status}
          onChange={(status) => set({ status })}
        />
        <FilterSelect
          label={t('alerts.column.severity')}
          choices={SEVERITIES.map((value) => ({ value, label: t(`alerts.severity.${value}`) }))}
          value={search.severity}
          onChange={(severity) => set({ severity })}
        />
      </div>
      <div className="alerts">
        <DataTable
          caption={t('app.page.alerts')}
          query={query}
          rows={query.data?.alerts}
          total={query.data?.pagination.total}
          rowId={(alert) => alert.id}
          href={(alert) => (alert.site_id ? `/sites/${alert.site_id}/apercu` : undefined)}
          columns={useColumns(words, search.status === 'resolved')}
          // Beside four columns of words a tablet leaves the club's name no room.
          cardsBelow={1000}
          filtered={{ active: filtered, clear: () => set({ status: undefined, severity: undefined }) }}
          empty={
            <Empty icon="check" title={t('alerts.empty')}>
              {t('alerts.empty.text')}
            </Empty>
          }
        />
      </div>
    </>
  )
}

/** From when on something is told is a matter of the administration. */
function Rules() {
  const { t } = useWords()
  const { role } = useUser()
  return ADMINS.includes(role) ? (
    <Link to="/admin/alerts" className="btn">
      <Icon name="sliders" />
      {t('app.page.alertrules')}
    </Link>
  ) : null
}

const shapeOf = (alert: Alert): Progress => {
  if (alert.status === 'resolved') return 'done'
  if (alert.status === 'acknowledged') return 'running'
  return alert.severity === 'critical' ? 'failed' : 'waiting'
}

/** What is wrong, with the figure that says how much. */
function what({ alert_type: type, metadata, message }: Alert, { t, has, formats }: Words): string {
  const value = typeof metadata.value === 'number' ? formats.number(metadata.value) : ''
  const title = typeof metadata.title === 'string' ? metadata.title : ''
  return has(`alerts.type.${type}`) ? t(`alerts.type.${type}`, { value, title }) : message
}

const nameOf = (alert: Alert, { t }: Words) => alert.club_name ?? t('alerts.installation')

/** Whose box it is, and where: a club may have several. */
function Place({ alert, name }: { alert: Alert; name: string }) {
  return (
    <span className={alert.site_id ? 'alert-place' : 'alert-place mut'}>
      <span>{name}</span>
      {alert.site_name ? <small className="only-table">{alert.site_name}</small> : null}
    </span>
  )
}

function useColumns(words: Words, ended: boolean): Column<Alert>[] {
  const user = useUser()
  const blocked = useReadOnly()
  const client = useQueryClient()
  const { mutate } = useMutation({
    mutationFn: ({ alert, verb }: { alert: Alert; verb: 'acknowledge' | 'resolve' }) => act('POST', `/api/alerts/${alert.id}/${verb}`, {}),
    onSuccess: (_, { alert, verb }) => toast({ kind: 'success', text: words.t(`alerts.said.${verb}`, { name: nameOf(alert, words) }) }),
    onSettled: () => client.invalidateQueries({ queryKey: ['alerts'] }),
    onError: (error) => toast({ kind: 'error', text: say(error, words).sentence }),
  })
  return useMemo(() => {
    const { t } = words
    const place = (alert: Alert) => nameOf(alert, words)
    const over: Column<Alert> = {
      id: 'over',
      header: t('alerts.column.over'),
      width: '150px',
      card: 'none',
      cell: (alert) => (alert.resolved_at ? <When at={alert.resolved_at} /> : <span className="mut">–</span>),
    }
    const columns: Column<Alert>[] = [
      {
        id: 'what',
        header: t('alerts.column.what'),
        card: 'title',
        cell: (alert) => (
          <span className={alert.severity === 'critical' && alert.status !== 'resolved' ? 'red' : undefined}>
            <span className="only-card alert-shape">
              <Shape state={shapeOf(alert)} />
            </span>
            {what(alert, words)}
          </span>
        ),
      },
      {
        id: 'site',
        header: t('alerts.column.site'),
        width: '250px',
        card: 'line',
        cell: (alert) => (
          <>
            <span className="only-card">
              {t(alert.status === 'active' ? `alerts.severity.${alert.severity}` : `alerts.state.${alert.status}`)}
            </span>
            <span className="only-card and">
              <Age at={alert.resolved_at ?? alert.created_at} />
            </span>
            <Place alert={alert} name={place(alert)} />
          </>
        ),
      },
      { id: 'severity', header: t('alerts.column.severity'), width: '130px', card: 'none', cell: (alert) => t(`alerts.severity.${alert.severity}`) },
      {
        id: 'state',
        header: t('alerts.column.state'),
        width: '170px',
        card: 'none',
        cell: (alert) => (
          <span className="state status">
            <Shape state={shapeOf(alert)} />
            {t(`alerts.state.${alert.status}`)}
          </span>
        ),
      },
      { id: 'since', header: t('alerts.column.since'), width: '150px', card: 'none', cell: (alert) => <When at={alert.created_at} /> },
      // What is open is not over.
      ...(ended ? [over] : []),
    ]
    if (!mayWrite(user.role)) return columns
    const acts = (alert: Alert): MenuAct[] => [
      ...(alert.status === 'active'
        ? [{ label: t('alerts.acknowledge'), icon: 'check' as const, reason: blocked, run: () => mutate({ alert, verb: 'acknowledge' }) }]
        : []),
      ...(mayDelete(user.role)
        ? [{ label: t('alerts.resolve'), icon: 'close' as const, reason: blocked, run: () => mutate({ alert, verb: 'resolve' }) }]
        : []),
    ]
    const menu = (alert: Alert) =>
      alert.status !== 'resolved' && acts(alert).length > 0 ? <MoreMenu acts={acts(alert)} label={t('alerts.acts', { name: place(alert) })} /> : null
    return [...columns, { id: 'acts', header: t('alerts.column.acts'), num: true, width: '70px', card: 'corner', cell: menu }]
  }, [words, ended, user.role, blocked, mutate])
}
