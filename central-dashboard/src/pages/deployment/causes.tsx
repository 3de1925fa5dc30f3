/** Failures by cause, each with what it means, whom it hit, and the one thing that mends it. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { get } from '~/api/client'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import type { Cause, Paged, Target } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { advice, reasonWord, UNKNOWN } from '~/reasons/reason'
import { Icon } from '~/ui/icons'
import { Panel } from '~/ui/page'
import { Shape } from '~/ui/state'
import type { Order } from '../deployments/order'
import type { useActs } from './acts'

type Acts = ReturnType<typeof useActs>

/** What has to be mended before another try can help: something at the site, or the file itself. */
const AT_SITE = ['disk_full', 'disk']
const IN_FILE = ['unplayable', 'unsupported', 'not_found', 'size_mismatch']

export function Causes({ order, acts }: { order: Order; acts: Acts }) {
  const { t } = useWords()
  const query = useQuery(reads.deploymentCauses(order.id))
  return (
    <Panel title={t('deployment.causes')} note={t('deployment.causes.note')} query={query} rows={2} className="causes">
      {(causes) => (
        <ul>
          {causes.map((cause) => (
            <One key={cause.reason_code ?? ''} order={order} cause={cause} acts={acts} />
          ))}
        </ul>
      )}
    </Panel>
  )
}

function One({ order, cause, acts }: { order: Order; cause: Cause; acts: Acts }) {
  const words = useWords()
  const { rich, formats } = words
  return (
    <li>
      <span className="ev">
        <Shape state="failed" />
      </span>
      <div>
        <p>
          {rich('deployment.cause_of', {
            count: cause.sites,
            shown: formats.number(cause.sites),
            cause: reasonWord(cause, words),
            b: (parts) => <b>{parts}</b>,
          })}
        </p>
        <small>{advice(cause, words)}</small>
        <Hit order={order} cause={cause} />
      </div>
      <Fix order={order} cause={cause} acts={acts} />
    </li>
  )
}

/** The first sites that a cause hit, as links to what is on them, and how many more. */
const NAMED = 3

function Hit({ order, cause }: { order: Order; cause: Cause }) {
  const { t } = useWords()
  const reason_code = cause.reason_code ?? UNKNOWN
  const filters = { state: 'failed', reason_code, limit: NAMED }
  const { data } = useQuery({
    queryKey: ['deployments', 'targets', order.id, filters],
    queryFn: ({ signal }) => get<Paged<Target>>(`/api/deployments/${order.id}/targets`, filters, signal),
  })
  if (!data) return null
  const rest = cause.sites - data.data.length
  return (
    <span className="hit">
      {data.data.map((site) => (
        <Link key={site.site_id} to="/sites/$id/$tab" params={{ id: site.site_id, tab: 'apercu' }} className="link">
          {site.club_name}
        </Link>
      ))}
      {rest > 0 ? (
        <Link
          to="/deployments/$id"
          params={{ id: order.id }}
          search={{ state: 'failed', reason_code }}
          resetScroll={false}
          className="link"
        >
          {t('deployment.more_sites', { count: rest })}
        </Link>
      ) : null}
    </span>
  )
}

function Fix({ order, cause, acts }: { order: Order; cause: Cause; acts: Acts }) {
  const { t } = useWords()
  const user = useUser()
  const blocked = useReadOnly()
  if (!mayWrite(user.role)) return null
  const code = cause.reason_code ?? ''
  const again = (
    <button
      type="button"
      className="btn"
      disabled={acts.retry.isPending || blocked !== undefined}
      title={blocked}
      onClick={() => acts.retry.mutate({ reason_code: cause.reason_code ?? UNKNOWN })}
    >
      <Icon name="again" />
      {t('deployment.retry', { count: cause.sites })}
    </button>
  )
  if (IN_FILE.includes(code) && order.video_id) {
    return (
      <div className="acts">
        <Link to="/content/$id" params={{ id: order.video_id }} className="btn">
          <Icon name="video" />
          {t('deployment.fix.video')}
        </Link>
        {again}
      </div>
    )
  }
  if (AT_SITE.includes(code)) {
    return (
      <div className="acts">
        <SitesOf order={order} code={code} />
        {again}
      </div>
    )
  }
  return <div className="acts">{again}</div>
}

/** Leads to the sites of a cause in the list, each of which opens what is on its disk. */
function SitesOf({ order, code }: { order: Order; code: string }) {
  const { t } = useWords()
  return (
    <Link
      to="/deployments/$id"
      params={{ id: order.id }}
      search={{ state: 'failed', reason_code: code }}
      resetScroll={false}
      className="btn"
      onClick={() => document.getElementById('targets')?.scrollIntoView()}
    >
      <Icon name="disc" />
      {t('deployment.fix.sites')}
    </Link>
  )
}
