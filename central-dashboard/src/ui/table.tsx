/**
 * The table of every list. It cannot be built without saying what stands there when there is nothing; errors and
 * missing rights have their places. Rows are drawn only where one looks; the keyboard moves with j, k, x and Enter.
 */
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { useWords } from '~/i18n/words'
import { Icon } from './icons'
import { Failed, Skeleton, type Asked } from './page'
import { useShortcuts } from './shortcuts'
import { Row, SelectAll, type RowActs } from './table-row'
import { FEW, useStillColumns, useWindow } from './table-window'
import './table.css'

export interface Column<T> {
  id: string
  header: string
  cell: (row: T) => ReactNode
  /** The word by which the server sorts; without it the column cannot be sorted. */
  sort?: string
  /** Any width of CSS. */
  width?: string
  num?: boolean
  /** Where it stands on a phone's card: the title, the second line, the corner, or not at all. */
  card?: 'title' | 'line' | 'corner' | 'none'
}

export interface Sorting {
  sort?: string | undefined
  order?: 'asc' | 'desc' | undefined
}

export interface Selection {
  ids: ReadonlySet<string>
  change: (ids: Set<string>) => void
  /** What can be done with them: stands in the bar at the bottom. */
  bulk: (ids: ReadonlySet<string>) => ReactNode
  /** Names a row for those who hear the box. */
  name: (id: string) => string
}

export interface DataTableProps<T> {
  caption: string
  query: Asked<unknown>
  rows: T[] | undefined
  /** Of the whole list, not of what is loaded. */
  total: number | undefined
  rowId: (row: T) => string
  columns: Column<T>[]
  /** Nothing yet: why, and the next step. */
  empty: ReactNode
  /** Nothing that fits the filters; without it there are no filters. */
  filtered?: { active: boolean; clear: () => void }
  href?: (row: T) => string | undefined
  sorting?: Sorting & { change: (next: Sorting) => void }
  selection?: Selection
  /** Loads the next rows; called when one comes near the end. */
  more?: (() => void) | undefined
  /** Rows that changed since the list was read, and how to read it anew. */
  drift?: { count: number; refresh: () => void }
  compact?: boolean
  /** Below how many pixels of the window its rows are cards; otherwise on a phone. */
  cardsBelow?: number
}

export function DataTable<T>(props: DataTableProps<T>) {
  const { query, rows, filtered, empty } = props
  const { t, formats } = useWords()
  if (rows === undefined) {
    return (
      <div className="card table-card">
        {query.error ? <Failed error={query.error} retry={() => void query.refetch()} /> : <Skeleton rows={10} />}
      </div>
    )
  }
  return (
    <div className="card table-card" aria-busy={query.isFetching}>
      {query.error ? (
        <Failed error={query.error} since={query.dataUpdatedAt} retry={() => void query.refetch()} />
      ) : null}
      {query.isFetching && query.isPlaceholderData ? <div className="table-busy" /> : null}
      {rows.length === 0 ? filtered?.active ? <NothingFits clear={filtered.clear} /> : empty : <Body {...props} rows={rows} />}
      {props.drift && props.drift.count > 0 ? <DriftPill {...props.drift} nothingMoves={rows.length === 0} /> : null}
      {rows.length > 0 && props.total !== undefined ? (
        <p className="table-foot" role="status">
          {t('ui.table.shown', { shown: formats.number(rows.length), total: formats.number(props.total), count: props.total })}
        </p>
      ) : null}
      {props.selection && props.selection.ids.size > 0 ? <BulkBar selection={props.selection} /> : null}
    </div>
  )
}

/** How much has changed since the list was read. Where no row is shown, none can move: it is read anew at once. */
function DriftPill({ count, refresh, nothingMoves }: { count: number; refresh: () => void; nothingMoves: boolean }) {
  const { t } = useWords()
  useEffect(() => {
    if (nothingMoves) refresh()
    // Once for each change, whatever the caller's function is called by then.
  }, [nothingMoves, count])
  if (nothingMoves) return null
  return (
    <button type="button" className="drift" onClick={refresh}>
      <Icon name="again" />
      {t('ui.table.drift', { count })}
    </button>
  )
}

function NothingFits({ clear }: { clear: () => void }) {
  const { t } = useWords()
  return (
    <div className="empty">
      <b>{t('ui.table.filtered')}</b>
      <div>
        <button type="button" className="btn sm" onClick={clear}>
          {t('ui.table.clear')}
        </button>
      </div>
    </div>
  )
}

const ROW = 44
const COMPACT = 36
const CARD = 76
/** So many rows before the end of what is loaded the next ones are asked for. */
const AHEAD = 60

function Body<T>(props: DataTableProps<T> & { rows: T[] }) {
  const { rows, columns, rowId, href, selection, more } = props
  const frame = useRef<HTMLDivElement>(null)
  const phone = useNarrow(props.cardsBelow ?? 720)
  const height = phone ? CARD : props.compact ? COMPACT : ROW
  const { items, reveal, before, after } = useWindow(frame, rows.length, height)
  const [at, setAt] = useMoves(props, reveal)
  const acts = useActs(props, setAt)
  const last = items[items.length - 1] ?? 0
  useLayoutEffect(() => {
    if (more && last >= rows.length - AHEAD) more()
  }, [last, rows.length, more])
  useStillColumns(frame, columns, rows.length > FEW && !phone && items.length > 0)
  return (
    <div ref={frame} className="table-frame">
      <table className={`table${phone ? ' cards' : ''}`} role="table" aria-rowcount={props.total ?? rows.length}>
        <caption className="vh">{props.caption}</caption>
        <thead role="rowgroup">
          <Heads {...props} />
        </thead>
        <tbody role="rowgroup">
          {before > 0 ? <tr aria-hidden="true" className="gap" style={{ height: before }} /> : null}
          {items.map((index) => {
            const row = rows[index] as T
            const id = rowId(row)
            return (
              <Row
                key={id}
                index={index}
                columns={columns}
                row={row}
                id={id}
                href={href?.(row)}
                selectable={selection !== undefined}
                chosen={selection?.ids.has(id) ?? false}
                current={index === at}
                height={height}
                acts={acts}
              />
            )
          })}
          {after > 0 ? <tr aria-hidden="true" className="gap" style={{ height: after }} /> : null}
        </tbody>
      </table>
    </div>
  )
}

function Heads<T>({ selection, rows, rowId, columns, sorting }: DataTableProps<T> & { rows: T[] }) {
  const { t } = useWords()
  return (
    <tr role="row">
      {selection ? (
        <th scope="col" role="columnheader" className="tick-cell">
          <SelectAll selection={selection} count={rows.length} ids={() => rows.map(rowId)} label={t('ui.table.all')} />
        </th>
      ) : null}
      {columns.map((column) => (
        <Head key={column.id} column={column} sorting={sorting} />
      ))}
    </tr>
  )
}

/** What rows do, through whatever the table was given last. */
function useActs<T>(props: DataTableProps<T>, point: (index: number) => void): RowActs {
  const { selection } = props
  const latest = useRef(selection)
  useLayoutEffect(() => {
    latest.current = selection
  })
  return useMemo(
    () => ({
      point,
      toggle: (id: string) => latest.current?.change(toggled(latest.current.ids, id)),
      name: (id: string) => latest.current?.name(id) ?? '',
    }),
    [point],
  )
}

/** The current row, and the keys that move it. */
function useMoves<T>(props: DataTableProps<T> & { rows: T[] }, reveal: (index: number) => void) {
  const { rows, rowId, selection, href } = props
  const navigate = useNavigate()
  const [at, setAt] = useState(-1)
  const move = (by: number) => {
    const next = Math.min(Math.max(at + by, 0), rows.length - 1)
    setAt(next)
    reveal(next)
  }
  const row = rows[at]
  const to = row && href?.(row)
  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    ...(row && selection ? { x: () => selection.change(toggled(selection.ids, rowId(row))) } : {}),
    ...(to ? { Enter: () => void navigate({ to }) } : {}),
    ...(selection && selection.ids.size > 0 ? { Escape: () => selection.change(new Set()) } : {}),
  })
  return [at, setAt] as const
}

/** The set with one more or one less. */
export function toggled(ids: ReadonlySet<string>, id: string): Set<string> {
  const next = new Set(ids)
  if (!next.delete(id)) next.add(id)
  return next
}

function Head<T>({ column, sorting }: { column: Column<T>; sorting: DataTableProps<T>['sorting'] }) {
  const mine = column.sort !== undefined && sorting?.sort === column.sort
  const order = mine ? (sorting?.order ?? 'asc') : undefined
  const press = () => sorting?.change({ sort: column.sort, order: order === 'asc' ? 'desc' : 'asc' })
  return (
    <th
      scope="col"
      role="columnheader"
      className={column.num ? 'num' : undefined}
      style={column.width ? { width: column.width } : undefined}
      aria-sort={order === undefined ? undefined : order === 'asc' ? 'ascending' : 'descending'}
    >
      {column.sort && sorting ? (
        <button type="button" onClick={press}>
          {column.header}
          <Icon name={order === 'desc' ? 'down' : 'up'} />
        </button>
      ) : (
        column.header
      )}
    </th>
  )
}

function BulkBar({ selection }: { selection: Selection }) {
  const { t } = useWords()
  return (
    <div className="bulk" role="region" aria-label={t('ui.table.bulk')}>
      <b role="status">{t('ui.table.selected', { count: selection.ids.size })}</b>
      {selection.bulk(selection.ids)}
      <button type="button" className="btn sm quiet" onClick={() => selection.change(new Set())}>
        {t('ui.table.unselect')}
      </button>
    </div>
  )
}

/** Whether the rows are cards. */
function useNarrow(below: number): boolean {
  const query = `(max-width: ${below - 0.02}px)`
  const [narrow, set] = useState(() => matchMedia(query).matches)
  useLayoutEffect(() => {
    const media = matchMedia(query)
    const tell = () => set(media.matches)
    media.addEventListener('change', tell)
    return () => media.removeEventListener('change', tell)
  }, [query])
  return narrow
}
