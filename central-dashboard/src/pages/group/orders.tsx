/** The latest orders to this group, live. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { reads } from '~/api/reads'
import type { Group } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Empty, Panel } from '~/ui/page'
import type { Order } from '../deployments/order'
import { Advance, StandingBadge } from '../deployments/parts'

export function Orders({ group }: { group: Group }) {
  const { t } = useWords()
  const query = useQuery(reads.deployments({ target_id: group.id, limit: 5 }))
  return (
    <Panel
      title={t('group.orders')}
      query={query}
      rows={3}
      end={
        <Link to="/deployments" search={{ target_id: group.id }} className="link">
          {t('group.orders.all')}
        </Link>
      }
      isEmpty={(list) => list.data.length === 0}
      empty={<Empty title={t('group.orders.empty')}>{t('group.orders.empty.text')}</Empty>}
    >
      {(list) => (
        <ul className="orders">
          {(list.data as Order[]).map((order) => (
            <li key={order.id}>
              <Link to="/deployments/$id" params={{ id: order.id }}>
                <span className="t">
                  <b>{order.video_title}</b>
                  <StandingBadge order={order} />
                </span>
                <Advance order={order} />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
