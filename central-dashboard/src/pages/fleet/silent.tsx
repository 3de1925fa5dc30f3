import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { reads } from '~/api/reads'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Panel } from '~/ui/page'
import { Shape } from '~/ui/state'
import { Age } from '~/ui/values'
import { useAgain } from './use-again'

/** Beside them stands what is on its way. */
const MOST = 4

/** The boxes that were lost last: what has just happened can still be mended tonight. */
export function Silent({ offline }: { offline: number | undefined }) {
  const { t } = useWords()
  const query = useQuery(
    reads.sites({ display_status: 'offline', sort: 'last_seen_at', order: 'desc', page: 1, limit: MOST }),
  )
  useAgain(offline, query.refetch)
  return (
    <Panel
      title={t('fleet.silent')}
      note={t('fleet.silent.note')}
      end={
        offline ? (
          <Link to="/sites" search={{ display_status: 'offline', sort: 'last_seen_at', order: 'desc' }} className="link">
            {t('fleet.all')}
          </Link>
        ) : null
      }
      query={query}
      rows={MOST}
      isEmpty={(data) => data.data.length === 0}
      empty={<p className="mut none">{t('fleet.silent.empty')}</p>}
    >
      {(data) => (
        <ul className="silent">
          {data.data.map((site) => (
            <li key={site.id}>
              <Link to="/sites/$id/$tab" params={{ id: site.id, tab: 'apercu' }}>
                <Shape state={site.display_status} />
                <div>
                  <b>{site.club_name}</b>
                  <small>
                    {[t(`ui.state.${site.display_status}`), site.location?.city].filter(Boolean).join(' · ')}
                  </small>
                </div>
                <span>
                  <Age at={site.last_seen_at} />
                </span>
                <Icon name="right" />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
