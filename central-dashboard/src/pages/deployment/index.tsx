/** One order: did it arrive everywhere, who failed and why. */
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { isGone } from '~/api/errors'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import { mayWrite } from '~/app/pages'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Empty, Failed, PageHeader, Skeleton } from '~/ui/page'
import { Age, Bytes } from '~/ui/values'
import { targetName, type Order } from '../deployments/order'
import { StandingBadge, Thumb } from '../deployments/parts'
import { answer } from './answer'
import { useActs } from './acts'
import { Causes } from './causes'
import { MoreActs } from './more-acts'
import { Shares } from './shares'
import { Targets } from './targets'
import './deployment.css'

const route = getRouteApi('/shell/deployments/$id')

export function Page() {
  const words = useWords()
  const { id } = route.useParams()
  const query = useQuery(reads.deployment(id))
  const order = query.data as Order | undefined
  if (!order && isGone(query.error)) return <Gone />
  // The heading stays the same element while the order comes: it has the focus after one arrived.
  return (
    <>
      <PageHeader
        title={order ? answer(order, words) : words.t('deployment.title')}
        document={order?.video_title}
        crumb={order?.video_title}
        acts={order ? <HeadActs order={order} /> : null}
      >
        {order ? <About order={order} /> : null}
      </PageHeader>
      {order ? (
        <Whole order={order} />
      ) : (
        <section className="card">
          {query.error ? <Failed error={query.error} retry={() => void query.refetch()} /> : <Skeleton rows={6} />}
        </section>
      )}
      {order && query.error ? (
        <Failed error={query.error} since={query.dataUpdatedAt} retry={() => void query.refetch()} />
      ) : null}
    </>
  )
}

function Gone() {
  const { t } = useWords()
  return (
    <>
      <PageHeader title={t('deployment.gone')} crumb={t('deployment.title')} />
      <section className="card">
        <Empty
          icon="send"
          title={t('deployment.gone.why')}
          action={
            <Link to="/deployments" className="btn">
              {t('deployment.gone.back')}
            </Link>
          }
        />
      </section>
    </>
  )
}

function Whole({ order }: { order: Order }) {
  const acts = useActs(order)
  return (
    <>
      <div className="whole">
        <Shares order={order} />
        {order.failed_count > 0 ? <Causes order={order} acts={acts} /> : null}
      </div>
      {order.status === 'scheduled' ? null : <Targets order={order} acts={acts} />}
    </>
  )
}

/** What, to whom, how much, by whom and when. */
function About({ order }: { order: Order }) {
  const words = useWords()
  const { t } = words
  return (
    <span className="about">
      <Thumb order={order} />
      <span>
        {order.video_id ? (
          <Link to="/content/$id" params={{ id: order.video_id }} className="about-title">
            {order.video_title}
          </Link>
        ) : (
          <b>{order.video_title}</b>
        )}{' '}
        {t('deployment.for', { target: targetName(order, words) })}
        {order.bytes == null ? null : (
          <>
            {' · '}
            <Bytes value={order.bytes} />
          </>
        )}
        {' · '}
        {order.deployed_by_name ? `${t('deployment.by', { name: order.deployed_by_name })} ` : null}
        <Age at={order.created_at} />
      </span>
      <StandingBadge order={order} chip />
    </span>
  )
}

function HeadActs({ order }: { order: Order }) {
  const { t } = useWords()
  const user = useUser()
  const acts = useActs(order)
  const blocked = useReadOnly()
  if (!mayWrite(user.role)) return null
  return (
    <>
      {order.failed_count > 0 ? (
        <button
          type="button"
          className="btn pri"
          disabled={acts.retry.isPending || blocked !== undefined}
          title={blocked}
          onClick={() => acts.retry.mutate({})}
        >
          <Icon name="again" />
          {t('deployment.retry', { count: order.failed_count })}
        </button>
      ) : null}
      <MoreActs order={order} acts={acts} />
    </>
  )
}
