/** What it means, as one sentence, and the button that does it. */
import { Link } from '@tanstack/react-router'
import { useRef, type ReactNode } from 'react'
import { Refused, say, Unreachable } from '~/api/errors'
import type { Preview } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords, type Words } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Failed, PanelHead, Skeleton } from '~/ui/page'
import { Shape, type Progress, type State } from '~/ui/state'
import type { Chosen } from './chosen'
import { PATIENCE } from './hold'
import type { Failure, Orders } from './orders'
import { MOST_TARGETS, MOST_VIDEOS, trafficAfter, type Previewed } from './preview'
import { zoneName } from './when'

interface CostProps {
  chosen: Chosen
  preview: Previewed
  orders: Orders
  problem: string | undefined
}

export function Cost({ chosen, preview, orders, problem }: CostProps) {
  const words = useWords()
  const { t } = words
  const { data, error } = preview
  return (
    <section className="card cost" aria-label={t('send.cost')} aria-busy={preview.isOld || preview.isFetching}>
      <PanelHead title={t('send.cost')} />
      {error && !data ? <Failed error={error} retry={() => void preview.refetch()} /> : null}
      {data ? <Summary data={data} chosen={chosen} words={words} /> : null}
      {!data && !error ? preview.isOn ? <Skeleton rows={3} /> : <p className="mut">{t(missingKey(chosen))}</p> : null}
      <Failures failures={orders.failures} words={words} />
      {orders.hold.left === undefined ? (
        <Go chosen={chosen} sites={data?.sites} stale={preview.isOld} orders={orders} problem={problem} />
      ) : (
        <Held orders={orders} left={orders.hold.left} words={words} />
      )}
    </section>
  )
}

function missingKey({ videos, targets }: Chosen): string {
  if (videos.length > MOST_VIDEOS || targets.length > MOST_TARGETS) return 'send.cost.too_many'
  return videos.length === 0 ? 'send.cost.what' : 'send.cost.who'
}

/** "186 clubs : 171 reçoivent maintenant, 15 au retour ; 38 Mo par boîtier, 6,9 Go en tout ; 2 boîtiers manquent de place." */
function Summary({ data, chosen, words }: { data: Preview; chosen: Chosen; words: Words }) {
  const { t, formats } = words
  if (data.sites === 0) return null
  const kind = chosen.action === 'remove' ? 'remove' : chosen.at ? 'later' : 'now'
  const sentence = t(`send.sentence.${kind}`, {
    count: data.sites,
    shown: formats.number(data.sites),
    online: data.online,
    later: data.sites - data.online,
    each: formats.bytes(data.bytes_per_site),
    all: formats.bytes(data.bytes_to_send),
    bytes: data.bytes_to_send,
    short: data.sites_short_of_space,
  })
  const copies = data.sites * chosen.videos.length
  return (
    <>
      <p className="cost-sentence" role="status">
        {sentence}
      </p>
      <ul className="cost-lines">
        {chosen.at ? (
          <Line state="planned">
            {t('send.line.at', { when: formats.moment(chosen.at), zone: zoneName(chosen.at, words.language) })}
          </Line>
        ) : null}
        {data.never_seen > 0 ? <Line state="unknown">{t('send.line.never', { count: data.never_seen })}</Line> : null}
        {data.already > 0 && chosen.action === 'install' ? (
          <Line state="done">{t('send.line.already', { count: data.already, all: formats.number(copies) })}</Line>
        ) : null}
        {data.supersedes > 0 ? <Line state="superseded">{t('send.line.supersedes', { count: data.supersedes })}</Line> : null}
        {chosen.action === 'install' ? <Traffic data={data} words={words} /> : null}
      </ul>
      {data.sites_short_of_space > 0 ? <ShortOfSpace data={data} words={words} /> : null}
    </>
  )
}

/** What these orders take of what may be read from the storage in a month, where that is limited. */
function Traffic({ data, words: { t, formats } }: { data: Preview; words: Words }) {
  const month = trafficAfter(data)
  if (!month) return null
  const values = {
    more: formats.bytes(data.bytes_to_send),
    after: formats.bytes(month.after),
    limit: formats.bytes(month.limit),
    percent: formats.percent(month.limit === 0 ? 1 : month.after / month.limit, 0),
  }
  return <Line state={month.level === 'fits' ? 'done' : 'warning'}>{t(`send.traffic.${month.level}`, values)}</Line>
}

function Line({ state, children }: { state: State | Progress; children: ReactNode }) {
  return (
    <li>
      <Shape state={state} />
      <span>{children}</span>
    </li>
  )
}

function ShortOfSpace({ data, words: { t, formats } }: { data: Preview; words: Words }) {
  const rest = data.sites_short_of_space - data.short_of_space.length
  return (
    <details className="short">
      <summary>
        <Shape state="warning" />
        {t('send.short', { count: data.sites_short_of_space })}
      </summary>
      <ul>
        {data.short_of_space.map((site) => (
          <li key={site.site_id}>
            <Link to="/sites/$id/$tab" params={{ id: site.site_id, tab: 'apercu' }}>
              {site.club_name}
            </Link>
            <span>{t('send.short.missing', { missing: formats.bytes(site.missing_bytes) })}</span>
          </li>
        ))}
        {rest > 0 ? <li>{t('send.short.rest', { count: rest })}</li> : null}
      </ul>
    </details>
  )
}

interface GoProps {
  chosen: Chosen
  sites: number | undefined
  stale: boolean
  orders: Orders
  problem: string | undefined
}

function Go({ chosen, sites, stale, orders, problem }: GoProps) {
  const { t, formats } = useWords()
  const readOnly = useReadOnly()
  const empty = sites === 0 ? t('send.cost.empty') : undefined
  const reason = readOnly ?? problem ?? empty
  const ready = sites !== undefined && sites > 0 && !stale && !orders.sending && reason === undefined
  const kind = chosen.action === 'remove' ? 'remove' : chosen.at ? 'later' : 'now'
  const label =
    !sites ? t(`send.go.${chosen.action}`) : t(`send.go.${kind}.count`, { count: sites, shown: formats.number(sites) })
  return (
    <>
      {reason ? <p className="go-reason">{reason}</p> : null}
      <button type="button" className="btn pri go" disabled={!ready} onClick={orders.begin}>
        <Icon name="send" />
        {orders.sending ? t('send.going') : label}
      </button>
    </>
  )
}

/** A pointer that is there from the start, because it has pressed the button that was there, stops no clock. */
const ALREADY_THERE = 500

/** The ten seconds before it leaves. */
function Held({ orders: { hold }, left, words: { t } }: { orders: Orders; left: number; words: Words }) {
  const began = useRef(performance.now())
  const undo = () => {
    hold.undo()
    // The button that was pressed before stands there again.
    requestAnimationFrame(() => document.querySelector<HTMLElement>('.cost .go')?.focus())
  }
  return (
    <div
      className="held"
      role="group"
      aria-label={t('send.held.label')}
      onMouseEnter={() => {
        if (performance.now() - began.current > ALREADY_THERE) hold.pause(true)
      }}
      onMouseLeave={() => hold.pause(false)}
    >
      <p>{t('send.held', { seconds: Math.ceil(left / 1000) })}</p>
      <span className="vh" role="status">
        {t('send.held.said')}
      </span>
      <progress max={PATIENCE} value={left} aria-label={t('send.held.label')} />
      <div className="acts">
        <button type="button" className="btn" autoFocus onClick={undo}>
          <Icon name="undo" />
          {t('ui.undo')}
        </button>
        <button type="button" className="btn quiet" onClick={hold.now}>
          {t('send.held.now')}
        </button>
      </div>
    </div>
  )
}

/** What did not go, and why; the videos stay chosen, so that the same button tries them again. */
function Failures({ failures, words }: { failures: Failure[]; words: Words }) {
  const { t } = words
  if (failures.length === 0) return null
  const unsure = failures.some(({ error }) => error instanceof Unreachable)
  const sentences = [...new Set(failures.filter(({ error }) => error instanceof Refused).map(({ error }) => say(error, words).sentence))]
  return (
    <div className="failed error" role="alert">
      <p>
        {t('send.failed', { count: failures.length })} {sentences.join(' ')} {unsure ? t('send.unsure') : ''}
      </p>
      {unsure ? (
        <Link to="/deployments" className="btn sm">
          {t('send.unsure.look')}
        </Link>
      ) : null}
    </div>
  )
}
