import { Link } from '@tanstack/react-router'
import type { Facet } from '~/api/types'
import { useWords } from '~/i18n/words'
import type { SitesSearch } from '../sites/search'

const FIRST = 6

/** Values with how many boxes have them: sorted, as bars from zero, each a way to those boxes. */
export function Bars({ facets, search }: { facets: Facet[]; search: (value: string) => SitesSearch }) {
  const { t, formats } = useWords()
  const sorted = facets.toSorted((a, b) => b.count - a.count)
  const most = sorted[0]?.count ?? 1
  const rest = sorted.length - FIRST
  return (
    <>
      <ul className="bars">
        {sorted.slice(0, FIRST).map(({ value, count }) => (
          <li key={value}>
            <Link to="/sites" search={search(value)}>
              <b>{value}</b>
              <span className="bar" aria-hidden="true">
                <i style={{ width: `${(100 * count) / most}%` }} />
              </span>
              <span>{t('fleet.boxes', { count, shown: formats.number(count) })}</span>
            </Link>
          </li>
        ))}
      </ul>
      {rest > 0 ? <p className="mut">{t('fleet.bars.more', { count: rest })}</p> : null}
    </>
  )
}
