/** The states of the fleet: a shape, a word, a colour, in that order. One drawing and one word everywhere. */
import { useWords } from '~/i18n/words'
import './state.css'

export type State =
  | 'online'
  | 'warning'
  | 'offline'
  | 'maintenance'
  | 'update'
  | 'unknown'
  | 'error'

/** What an order or one of its sites can be in is drawn with the same shapes. */
export type Progress =
  | 'done'
  | 'running'
  | 'waiting'
  | 'planned'
  | 'failed'
  | 'cancelled'
  | 'superseded'

const TONE: Record<State | Progress, 'on' | 'warn' | 'off' | 'mnt' | 'upd' | 'unk'> = {
  online: 'on',
  warning: 'warn',
  offline: 'off',
  error: 'off',
  maintenance: 'mnt',
  update: 'upd',
  unknown: 'unk',
  done: 'on',
  running: 'upd',
  waiting: 'unk',
  planned: 'mnt',
  failed: 'off',
  cancelled: 'unk',
  superseded: 'unk',
}

export const tone = (state: State | Progress) => TONE[state]

/** Only the shape: a word must stand beside it. */
export function Shape({ state }: { state: State | Progress }) {
  return (
    <svg className={`sh ${TONE[state]}`} viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[state]}
    </svg>
  )
}

const cross = <path className="k" d="m5.600 5.600 4.800 4.800m0-4.800-4.800 4.800" />
const turn = (
  <>
    <path className="o" d="M13.400 8.800A5.500 5.500 0 1 1 12 4.100" />
    <path className="o" d="M12.600 1.400v3.200H9.400" />
  </>
)
const dashed = <circle className="o" cx="8" cy="8" r="5.200" strokeDasharray="2.600 2.200" />
const square = (
  <>
    <rect x="2" y="2" width="12" height="12" rx="3" />
    {cross}
  </>
)

const SHAPES: Record<State | Progress, React.ReactNode> = {
  online: <circle cx="8" cy="8" r="5" />,
  warning: <path d="M8 2.200 14.400 13.400H1.600z" />,
  offline: square,
  error: (
    <>
      <path d="M5 1.500h6L14.500 5v6L11 14.500H5L1.500 11V5z" />
      <path className="k" d="M8 4.500v4M8 11.300v.1" />
    </>
  ),
  maintenance: <path d="m8 1.400 6.600 6.600L8 14.600 1.400 8z" />,
  update: turn,
  unknown: dashed,
  done: (
    <>
      <circle cx="8" cy="8" r="6.500" />
      <path className="k" d="m5.200 8.200 2 2 3.700-4.200" />
    </>
  ),
  running: turn,
  waiting: dashed,
  planned: (
    <>
      <circle className="o" cx="8" cy="8" r="5.800" />
      <path className="o" d="M8 5v3.300l2 1.300" />
    </>
  ),
  failed: square,
  cancelled: <path className="o" d="M3.500 8h9" />,
  superseded: (
    <>
      <path className="o" d="M2 8h8.500" />
      <path className="o" d="m8 4.500 3.500 3.500L8 11.500M14 4v8" />
    </>
  ),
}

/** Shape and word; as a chip on its own tint, or plain in a cell. */
export function StateBadge({ state, chip = false, changed }: { state: State | Progress; chip?: boolean; changed?: number }) {
  const { t } = useWords()
  const name = chip ? `chip status ${TONE[state]}c` : 'state status'
  return (
    <span className={name} data-state={state} key={changed ?? state}>
      <Shape state={state} />
      {t(`ui.state.${state}`)}
    </span>
  )
}
