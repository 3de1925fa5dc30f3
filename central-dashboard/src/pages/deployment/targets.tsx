/** One row per site: how far it is, why it failed, how often it tried. */
import { useMediaQuery } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo } from 'react'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import type { Target } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { reasonWord, UNKNOWN } from '~/reasons/reason'
import { FilterSelect } from '~/ui/filters'
import { Flash } from '~/ui/flash'
import { Icon } from '~/ui/icons'
import { Empty } from '~/ui/page'
import { DataTable, type Column } from '~/ui/table'
import { Age } from '~/ui/values'
import { countOf, SITE_STATES, type Order, type SiteState } from '../deployments/order'
import { SiteStateBadge } from '../deployments/parts'
import type { useActs } from './acts'
import { useHeldOrder } from './held-order'
import { useTargets } from './query'

type Acts = ReturnType<typeof useActs>

const route = getRouteApi('/shell/deployments/$id')
const NOT_YET = '–'
const idOf = (target: Target) => target.site_id
const kindOf = (target: Target) => target.state

export function Targets({ order, acts }: { order: Order; acts: Acts }) {
  const words = useWords()
  const { t } = words
  const filters = route.useSearch()
  const navigate = route.useNavigate()
  const clear = () => void navigate({ search: {}, replace: true, resetScroll: false })
  const { rows, total, more, asked } = useTargets(order.id, filters)
  const { shown, moved, reorder } = useHeldOrder(rows, JSON.stringify([order.id, filters]), idOf, kindOf)
  const columns = useColumns(words, acts)
  return (
    <section id="targets" className="targets">
      <header className="filters">
        <h2>{t('deployment.sites')}</h2>
        <Filters order={order} />
      </header>
      <DataTable
        caption={t('deployment.caption')}
        query={asked}
        rows={shown}
        total={total}
        rowId={idOf}
        columns={columns}
        href={(target) => `/sites/${target.site_id}/apercu`}
        more={more}
        drift={{
          count: moved,
          refresh: () => {
            reorder()
            void asked.refetch()
          },
        }}
        filtered={{ active: Boolean(filters.state || filters.reason_code), clear }}
        empty={<Empty title={t('deployment.no_sites')}>{t('deployment.no_sites.text')}</Empty>}
      />
    </section>
  )
}

function Filters({ order }: { order: Order }) {
  const words = useWords()
  const { t } = words
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const causes = useQuery({ ...reads.deploymentCauses(order.id), enabled: order.failed_count > 0 })
  const set = (next: typeof search) => void navigate({ search: next, replace: true, resetScroll: false })
  const states = SITE_STATES.map((state) => ({ value: state, label: t(`deployments.state.${state}`), count: countOf(order, state) }))
  const known = (causes.data ?? []).map((cause) => ({
    value: cause.reason_code ?? UNKNOWN,
    label: reasonWord(cause, words),
    count: cause.sites,
  }))
  return (
    <>
      <FilterSelect label={t('deployments.column.state')} choices={states} value={search.state} onChange={(state) => set({ state })} />
      {known.length > 0 || search.reason_code ? (
        <FilterSelect
          label={t('deployment.cause')}
          choices={known}
          value={search.reason_code}
          onChange={(reason_code) => set(reason_code ? { state: 'failed', reason_code } : {})}
        />
      ) : null}
    </>
  )
}

function useColumns(words: Words, acts: Acts): Column<Target>[] {
  const user = useUser()
  const blocked = useReadOnly()
  const writes = mayWrite(user.role)
  const { mutate, isPending } = acts.retry
  const wide = useMediaQuery('(min-width: 1100px)', true)
  return useMemo(() => {
    const { t, formats } = words
    const began = (target: Target) => <Age at={target.started_at} none={NOT_YET} />
    const columns: Column<Target>[] = [
      {
        id: 'club',
        header: t('deployment.column.club'),
        card: 'title',
        cell: (target) => (
          <>
            {target.club_name} <span className="row-second">{target.site_name}</span>
          </>
        ),
      },
      { id: 'state', header: t('deployments.column.state'), width: '184px', card: 'corner', cell: (target) => <Standing target={target} /> },
      { id: 'reason', header: t('deployment.column.reason'), card: 'line', cell: (target) => <Reason target={target} /> },
      { id: 'attempts', header: t('deployment.column.attempts'), num: true, cell: (target) => formats.number(target.attempts) },
      ...(wide ? [{ id: 'began', header: t('deployment.column.began'), width: '120px', cell: began }] : []),
      { id: 'ended', header: t('deployment.column.ended'), width: '120px', cell: (target) => <Age at={target.completed_at} none={NOT_YET} /> },
    ]
    if (!writes) return columns
    const retry = (target: Target) =>
      target.state === 'failed' ? (
        <button
          type="button"
          className="btn sm row-act"
          disabled={isPending || blocked !== undefined}
          title={blocked}
          aria-label={t('deployment.retry_one', { club: target.club_name })}
          onClick={() => mutate({ site_ids: [target.site_id] })}
        >
          <Icon name="again" />
          <span className="row-act-word">{t('deployment.retry_short')}</span>
        </button>
      ) : null
    return [...columns, { id: 'act', header: t('deployment.column.act'), num: true, cell: retry }]
  }, [words, writes, wide, blocked, mutate, isPending])
}

function Standing({ target }: { target: Target }) {
  const { formats } = useWords()
  const state = target.state as SiteState
  return (
    <Flash of={state}>
      <SiteStateBadge state={state} />
      {state === 'downloading' ? <span className="percent">{formats.percent(target.progress / 100, 0)}</span> : null}
    </Flash>
  )
}

/** In French the box's own sentence follows the word; other languages have the word. */
function Reason({ target }: { target: Target }) {
  const words = useWords()
  const { t, language } = words
  if (target.reason_code || target.reason) {
    const word = reasonWord(target, words)
    const sentence = language === 'fr' && target.reason && target.reason !== word ? target.reason : undefined
    return (
      <span title={target.reason ?? word}>
        {word}
        {sentence ? <span className="mut"> · {sentence}</span> : null}
      </span>
    )
  }
  const key = `deployment.note.${target.state}`
  return <span className="mut">{words.has(key) ? t(key, { attempts: target.attempts }) : null}</span>
}
