/** How much anybody may ask for: the server's own table. */
import { useQuery } from '@tanstack/react-query'
import { adminReads, type Limit } from '~/api/admin'
import { useWords, type Words } from '~/i18n/words'
import { Empty, Panel } from '~/ui/page'
import '~/ui/table.css'

export function Limits() {
  const { t } = useWords()
  const query = useQuery(adminReads.limits())
  return (
    <Panel
      title={t('security.limits')}
      note={t('security.limits.note')}
      query={query}
      rows={8}
      isEmpty={({ limits }) => limits.length === 0}
      empty={<Empty title={t('security.limits.none')} />}
    >
      {({ limits }) => <Table limits={limits} />}
    </Panel>
  )
}

function Table({ limits }: { limits: Limit[] }) {
  const words = useWords()
  const { t, formats } = words
  return (
    <div className="limits" tabIndex={0} role="region" aria-label={t('security.limits')}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{t('security.limit.name')}</th>
            <th scope="col">{t('security.limit.who')}</th>
            <th scope="col" className="num">
              {t('security.limit.burst')}
            </th>
            <th scope="col" className="num">
              {t('security.limit.per_minute')}
            </th>
          </tr>
        </thead>
        <tbody>
          {limits.map((limit) => (
            <tr key={`${limit.name} ${limit.who}`}>
              <th scope="row">{nameIn(words, limit.name)}</th>
              <td>{said(words, `security.limit.who.${limit.who}`, limit.who)}</td>
              <td className="num">{formats.number(limit.burst)}</td>
              <td className="num">{formats.decimal(limit.per_minute, 2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** `login_address` is one of the limits of `login`: whom it counts by stands beside it. */
const nameIn = (words: Words, name: string): string =>
  said(words, `security.limit.name.${name}`, said(words, `security.limit.name.${name.split('_')[0]}`, name))

/** A newer server may have a limit that has no word here yet. */
const said = ({ t, has }: Words, key: string, raw: string): string => (has(key) ? t(key) : raw)
