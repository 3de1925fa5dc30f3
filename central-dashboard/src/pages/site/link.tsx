import { useQuery } from '@tanstack/react-query'
import { reads } from '~/api/reads'
import type { Availability, Site } from '~/api/types'
import { useWords, type Words } from '~/i18n/words'
import { Empty, Panel } from '~/ui/page'
import { Definition } from '~/ui/popover'
import { Shape, tone, type State } from '~/ui/state'

type Span = Availability['spans'][number]

const STATES: Span['state'][] = ['online', 'offline', 'unknown']

/** When the box was heard of in the last 24 hours: a gap is drawn as a gap. */
export function LinkPanel({ site }: { site: Site }) {
  const { t, formats } = useWords()
  const query = useQuery(reads.siteAvailability(site.id))
  const share = query.data?.online_percent
  // What is written down ends with the last whole minute.
  const fresh = query.data && site.last_seen_at && Date.parse(site.last_seen_at) > Date.parse(query.data.from)
  const nothing = fresh ? 'site.link.fresh' : 'site.link.empty'
  return (
    <Panel
      title={
        <>
          {t('site.link')} <Definition>{t('site.link.definition')}</Definition>
        </>
      }
      end={share == null ? null : <b>{formats.percent(share / 100)}</b>}
      query={query}
      rows={2}
      isEmpty={(data) => data.spans.every((span) => span.state === 'unknown')}
      empty={<Empty title={t(nothing)}>{t(`${nothing}.text`)}</Empty>}
    >
      {(data) => <Band data={data} />}
    </Panel>
  )
}

function Band({ data }: { data: Availability }) {
  const words = useWords()
  const { t } = words
  const [from, to] = [Date.parse(data.from), Date.parse(data.to)]
  const said = longest(data.spans, words)
  return (
    <>
      <p className="band-said">{said}</p>
      <div className="band" role="img" aria-label={said}>
        {data.spans.map((span) => {
          const length = Date.parse(span.to) - Date.parse(span.from)
          return (
            <i
              key={span.from}
              className={span.state === 'unknown' ? 'band-gap' : `fill-${tone(span.state)}`}
              style={{ width: `${(100 * length) / Math.max(to - from, 1)}%` }}
              title={spoken(span, words)}
            />
          )
        })}
      </div>
      <Axis from={from} to={to} />
      <Legend states={STATES.filter((state) => data.spans.some((span) => span.state === state))} />
      <details className="twin">
        <summary>{t('site.table')}</summary>
        <ul>
          {data.spans.map((span) => (
            <li key={span.from}>{spoken(span, words)}</li>
          ))}
        </ul>
      </details>
    </>
  )
}

const spoken = (span: Span, { t, formats }: Words) =>
  t(`site.link.span.${span.state}`, {
    from: formats.dateTime(new Date(span.from)),
    to: formats.dateTime(new Date(span.to)),
    length: formats.duration((Date.parse(span.to) - Date.parse(span.from)) / 1000),
  })

/** The longest silence in words, or that there was none. */
function longest(spans: Span[], { t, formats }: Words): string {
  const away = spans.filter((span) => span.state === 'offline')
  const length = (span: Span) => Date.parse(span.to) - Date.parse(span.from)
  const worst = away.toSorted((a, b) => length(b) - length(a))[0]
  if (!worst) return t('site.link.whole')
  return t('site.link.longest', {
    count: away.length,
    length: formats.duration(length(worst) / 1000),
    from: formats.time(new Date(worst.from)),
    to: formats.time(new Date(worst.to)),
  })
}

export function Axis({ from, to }: { from: number; to: number }) {
  const { formats } = useWords()
  return (
    <div className="axis" aria-hidden="true">
      {[0, 0.25, 0.5, 0.75, 1].map((part) => (
        <span key={part}>{formats.time(new Date(from + (to - from) * part))}</span>
      ))}
    </div>
  )
}

function Legend({ states }: { states: State[] }) {
  const { t } = useWords()
  return (
    <ul className="legend">
      {states.map((state) => (
        <li key={state}>
          {state === 'unknown' ? <i className="band-gap" aria-hidden="true" /> : <Shape state={state} />}
          {t(`site.link.${state}`)}
        </li>
      ))}
    </ul>
  )
}
