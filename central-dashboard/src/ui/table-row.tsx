import { Link, useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, type MouseEvent } from 'react'
import { useWords } from '~/i18n/words'
import type { Column, Selection } from './table'

interface RowProps<T> {
  row: T
  id: string
  index: number
  columns: Column<T>[]
  href: string | undefined
  selection: Selection | undefined
  current: boolean
  height: number
  onPoint: () => void
}

/** A row: its first cell is the link, and a press anywhere else on it does the same. */
export function Row<T>({ row, id, index, columns, href, selection, current, height, onPoint }: RowProps<T>) {
  const navigate = useNavigate()
  const ref = useRef<HTMLTableRowElement>(null)
  const chosen = selection?.ids.has(id) ?? false
  useEffect(() => {
    if (current) ref.current?.scrollIntoView({ block: 'nearest' })
  }, [current])
  const open = (event: MouseEvent) => {
    const on = event.target as HTMLElement
    if (!href || on.closest('a, button, input, label') || getSelection()?.toString()) return
    onPoint()
    void navigate({ to: href })
  }
  return (
    <tr
      ref={ref}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selection ? chosen : undefined}
      className={`${href ? 'open' : ''}${current ? ' current' : ''}${chosen ? ' chosen' : ''}`}
      style={{ height }}
      onClick={open}
    >
      {selection ? <TickCell selection={selection} id={id} chosen={chosen} /> : null}
      {columns.map((column, at) => (
        <td
          key={column.id}
          role="cell"
          className={`${column.num ? 'num ' : ''}card-${column.card ?? (at === 0 ? 'title' : 'none')}`}
        >
          {at === titleAt(columns) && href ? (
            <Link to={href} className="row-link" onFocus={onPoint}>
              {column.cell(row)}
            </Link>
          ) : (
            column.cell(row)
          )}
        </td>
      ))}
    </tr>
  )
}

/** The column that carries the link: the one that is the title of a card, else the first. */
function titleAt<T>(columns: Column<T>[]): number {
  return Math.max(
    0,
    columns.findIndex((column) => column.card === 'title'),
  )
}

function TickCell({ selection, id, chosen }: { selection: Selection; id: string; chosen: boolean }) {
  const { t } = useWords()
  const change = () => {
    const next = new Set(selection.ids)
    if (!next.delete(id)) next.add(id)
    selection.change(next)
  }
  return (
    <td role="cell" className="tick-cell">
      <label>
        <input
          type="checkbox"
          className="tick"
          checked={chosen}
          onChange={change}
          aria-label={t('ui.table.select', { name: selection.name(id) })}
        />
      </label>
    </td>
  )
}

/** All that are loaded, or none. */
export function SelectAll({ selection, ids, label }: { selection: Selection; ids: string[]; label: string }) {
  const chosen = ids.filter((id) => selection.ids.has(id)).length
  const all = chosen === ids.length
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
        onChange={() => selection.change(all ? new Set() : new Set(ids))}
      />
    </label>
  )
}
