import type { Site } from '~/api/types'
import { BoxPanel } from './box'
import { ContentPanel } from './content'
import { HealthPanel } from './health'
import { LinkPanel } from './link'
import { OrdersPanel } from './orders'
import { Verdict } from './verdict'

/** The first tab: the verdict, then its evidence. */
export function Overview({ site }: { site: Site }) {
  return (
    <>
      <Verdict site={site} />
      <div className="row s1">
        <div className="col">
          <LinkPanel site={site} />
          <ContentPanel site={site} />
          <OrdersPanel site={site} />
        </div>
        <div className="col">
          <HealthPanel site={site} />
          <BoxPanel site={site} />
        </div>
      </div>
    </>
  )
}
