import { useRouter } from '@tanstack/react-router'
import { memo, useEffect, useRef, type MouseEvent, type ReactNode } from 'react'
import { useWords } from '~/i18n/words'
import type { Column, Selection } from './table'

/** What rows do to their table: always the same object, so that a row is not drawn again because of it. */
export interface RowActs {
  point: (index: number) => void
  toggle: (id: string) => void
  name: (id: string) => string
}

interface RowProps<T> {
  row: T
  id: string
  index: number
  columns: Column<T>[]
  href: string | undefined
  /** Whether it can be chosen at all. */
  selectable: boolean
  chosen: boolean
  current: boolean
  height: number
  acts: RowActs
}

/**
 * A row: its first cell is the link, and a press anywhere else on it does the same. While one scrolls, rows that stay
 * are not drawn again.
 */
export const Row = memo(AnyRow) as typeof AnyRow

function AnyRow<T>({ row, id, index, columns, href, selectable, chosen, current, height, acts }: RowProps<T>) {
  const router = useRouter()
  const ref = useRef<HTMLTableRowElement>(null)
  useEffect(() => {
    if (current) ref.current?.scrollIntoView({ block: 'nearest' })
  }, [current])
  const point = () => acts.point(index)
  const open = (event: MouseEvent) => {
    const on = event.target as HTMLElement
    if (!href || on.closest('a, button, input, label') || getSelection()?.toString()) return
    point()
    void router.navigate({ to: href })
  }
  const follow = (event: MouseEvent) => {
    // Another tab or window is the browser's work.
    if (!href || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    void router.navigate({ to: href })
  }
  const linked = titleAt(columns)
  return (
    <tr
      ref={ref}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selectable ? chosen : undefined}
      className={`${href ? 'open' : ''}${current ? ' current' : ''}${chosen ? ' chosen' : ''}`}
      style={{ height }}
      onClick={open}
    >
      {selectable ? <TickCell acts={acts} id={id} chosen={chosen} /> : null}
      {columns.map((column, at) => (
        <td
          key={column.id}
          role="cell"
          className={`${column.num ? 'num ' : ''}card-${column.card ?? (at === 0 ? 'title' : 'none')}`}
        >
          <Cell href={at === linked ? href : undefined} onFocus={point} onClick={follow}>
            {column.cell(row)}
          </Cell>
        </td>
      ))}
    </tr>
  )
}

interface CellProps {
  href: string | undefined
  onFocus: () => void
  onClick: (event: MouseEvent) => void
  children: ReactNode
}

/** The link is a plain one: the router's own watches the address, which is much for each row of a list. */
function Cell({ href, onFocus, onClick, children }: CellProps) {
  const router = useRouter()
  if (!href) return children
  const ahead = () => void router.preloadRoute({ to: href })
  return (
    <a href={href} className="row-link" onFocus={onFocus} onPointerEnter={ahead} onClick={onClick}>
      {children}
    </a>
  )
}

/** The column that carries the link: the one that is the title of a card, else the first. */
function titleAt<T>(columns: Column<T>[]): number {
  return Math.max(
    0,
    columns.findIndex((column) => column.card === 'title'),
  )
}

function TickCell({ acts, id, chosen }: { acts: RowActs; id: string; chosen: boolean }) {
  const { t } = useWords()
  return (
    <td role="cell" className="tick-cell">
      <label>
        <input
          type="checkbox"
          className="tick"
          checked={chosen}
          onChange={() => acts.toggle(id)}
          aria-label={t('ui.table.select', { name: acts.name(id) })}
        />
      </label>
    </td>
  )
}

/** All that are loaded, or none. What is chosen is among them: it is counted, not looked for. */
export function SelectAll({ selection, count, ids, label }: { selection: Selection; count: number; ids: () => string[]; label: string }) {
  const chosen = selection.ids.size
  const all = chosen >= count
  return (
    <label>
      <input
        type="checkbox"
        className="tick"
        aria-label={label}
        checked={all}
        ref={(box) => {
          if (box) box.indeterminate = chosen > 0 && !all
        }}
        onChange={() => selection.change(all ? new Set() : new Set(ids()))}
      />
    </label>
  )
}
