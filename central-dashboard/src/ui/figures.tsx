/** Figures, bars and lines: what the data says, drawn without decoration. */
import { useId, type ReactNode } from 'react'
import { useWords } from '~/i18n/words'
import { Definition } from './popover'
import { Shape, tone, type Progress, type State } from './state'
import './figures.css'

/** One figure: its name, its value, a line under it, and what it means. */
export function Figure(props: {
  label: ReactNode
  value: ReactNode
  note?: ReactNode
  definition?: string
  state?: State | Progress
  big?: boolean
  hot?: boolean
}) {
  return (
    <div className={`figure${props.big ? ' big' : ''}${props.hot ? ' hot' : ''}`}>
      <span className="l">
        {props.state ? <Shape state={props.state} /> : null}
        {props.label}
        {props.definition ? <Definition>{props.definition}</Definition> : null}
      </span>
      <b>{props.value}</b>
      {props.note ? <small>{props.note}</small> : null}
    </div>
  )
}

export interface Segment {
  state: State | Progress
  value: number
  /** The word with its number, for those who hear it. */
  label: string
}

/** Shares of a whole, drawn to scale; a small share stays visible. */
export function SegmentBar({ segments, thin = false }: { segments: Segment[]; thin?: boolean }) {
  const { formats } = useWords()
  const shown = segments.filter((segment) => segment.value > 0)
  const label = formats.list(shown.map((segment) => segment.label))
  return (
    <div className={thin ? 'seg thin' : 'seg'} role="img" aria-label={label}>
      {shown.map((segment) => (
        <i key={segment.state} className={`fill-${tone(segment.state)}`} style={{ flexGrow: segment.value }} />
      ))}
    </div>
  )
}

/** How far something is: done, running, waiting and failed parts of a total. */
export function ProgressBar({ segments, total, label }: { segments: Segment[]; total: number; label: string }) {
  return (
    <div className="pb" role="img" aria-label={label}>
      {segments
        .filter((segment) => segment.value > 0)
        .map((segment) => (
          <i
            key={segment.state}
            className={`fill-${tone(segment.state)}`}
            style={{ width: `${(100 * segment.value) / Math.max(total, 1)}%` }}
          />
        ))}
    </div>
  )
}

export interface Point {
  at: number
  value: number | null
}

const WIDTH = 190
const HEIGHT = 44

/** A line over time. The threshold is always within the range, a gap stays a gap, and nothing is smoothed. */
export function Sparkline(props: {
  points: Point[]
  from: number
  to: number
  min: number
  max: number
  threshold?: number
  /** Longer than this without a value is a gap. */
  gap: number
  label: string
}) {
  const clip = useId()
  const { from, to, min, max, threshold } = props
  const top = threshold === undefined ? max : Math.max(max, threshold + (threshold - min) * 0.08)
  const x = (at: number) => round(((at - from) / Math.max(to - from, 1)) * WIDTH)
  const y = (value: number) => round(HEIGHT - ((clampTo(value, min, top) - min) / Math.max(top - min, 1e-9)) * HEIGHT)
  const runs = split(props.points, props.gap)
  return (
    <svg className="spk" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={props.label}>
      <clipPath id={clip}>
        <rect width={WIDTH} height={HEIGHT} />
      </clipPath>
      <g clipPath={`url(#${clip})`}>
        {holes(runs, from, to).map(([start, end]) => (
          <rect key={start} className="gp" x={x(start)} y="0" width={Math.max(x(end) - x(start), 1)} height={HEIGHT} />
        ))}
        {runs.map((run) => {
          const path = run.map((point) => `${x(point.at)} ${y(point.value)}`).join(' L')
          const first = run[0]
          const last = run[run.length - 1]
          if (!first || !last) return null
          return (
            <g key={first.at}>
              <path className="ar" d={`M${x(first.at)} ${HEIGHT} L${path} L${x(last.at)} ${HEIGHT}z`} />
              <path className="ln" d={run.length === 1 ? `M${path} h1` : `M${path}`} />
            </g>
          )
        })}
        {threshold === undefined ? null : <path className="th" d={`M0 ${y(threshold)}H${WIDTH}`} />}
      </g>
    </svg>
  )
}

type Known = { at: number; value: number }

function split(points: Point[], gap: number): Known[][] {
  const runs: Known[][] = []
  let run: Known[] = []
  for (const { at, value } of points) {
    const last = run[run.length - 1]
    if (value === null || (last && at - last.at > gap)) {
      if (run.length > 0) runs.push(run)
      run = []
    }
    if (value !== null) run.push({ at, value })
  }
  if (run.length > 0) runs.push(run)
  return runs
}

/** The stretches between runs, where nothing is known. */
function holes(runs: Known[][], from: number, to: number): [number, number][] {
  const found: [number, number][] = []
  let at = from
  for (const run of runs) {
    const first = run[0]
    const last = run[run.length - 1]
    if (!first || !last) continue
    if (first.at > at) found.push([at, first.at])
    at = last.at
  }
  if (runs.length > 0 && to > at) found.push([at, to])
  return found
}

const round = (value: number) => Math.round(value * 10) / 10
const clampTo = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high)
