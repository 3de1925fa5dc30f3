/** A searched list in which one ticks, and the chips of what is ticked. */
import type { ReactNode } from 'react'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Empty, Loaded, type Asked } from '~/ui/page'

interface PicksProps<T> {
  label: string
  query: Asked<{ rows: T[]; total: number }>
  idOf: (row: T) => string
  chosen: string[]
  flip: (id: string) => void
  children: (row: T) => ReactNode
  more: () => void
  /** Nothing is found, or nothing is there. */
  empty: ReactNode
}

export function Picks<T>({ label, query, idOf, chosen, flip, children, more, empty }: PicksProps<T>) {
  const { t } = useWords()
  return (
    <Loaded query={query} rows={4} isEmpty={({ rows }) => rows.length === 0} empty={empty}>
      {({ rows, total }) => (
        <>
          <ul className="picks" aria-label={label}>
            {rows.map((row) => {
              const id = idOf(row)
              return (
                <li key={id}>
                  <label className={chosen.includes(id) ? 'pick chosen' : 'pick'}>
                    <input type="checkbox" className="tick" checked={chosen.includes(id)} onChange={() => flip(id)} />
                    {children(row)}
                  </label>
                </li>
              )
            })}
          </ul>
          {total > rows.length ? (
            <button type="button" className="link more-link" onClick={more}>
              {t('send.more', { count: total - rows.length })}
            </button>
          ) : null}
        </>
      )}
    </Loaded>
  )
}

export function Nothing({ searched, none, action }: { searched: boolean; none: string; action?: ReactNode }) {
  const { t } = useWords()
  return <Empty title={searched ? t('ui.filter.none') : none} action={searched ? undefined : action} />
}

/** One thing that is chosen; its cross takes it out. */
export function Chip({ name, onDrop, children }: { name: string; onDrop: () => void; children?: ReactNode }) {
  const { t } = useWords()
  return (
    <li className="picked">
      {children}
      <span>{name}</span>
      <button type="button" aria-label={t('send.drop', { name })} onClick={onDrop}>
        <Icon name="close" />
      </button>
    </li>
  )
}
