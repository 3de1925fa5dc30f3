/** The head of a page and the panels in it, with their states. */
import { useEffect, useState, type ReactNode } from 'react'
import { isForbidden, isGone, say } from '~/api/errors'
import { useWords } from '~/i18n/words'
import { useCrumb } from './crumb'
import { Icon, type IconName } from './icons'
import { CopyButton } from './keep'
import { useSecondsUntil } from './values'
import './page.css'

/** The first sentence is the answer; under it the evidence; beside it what one can do. */
export function PageHeader(props: {
  title: ReactNode
  /** The name of the page for the window's title, if the sentence is not it. */
  document?: string | undefined
  /** Its name in the breadcrumb: for pages under a page of the rail. */
  crumb?: string | undefined
  children?: ReactNode
  acts?: ReactNode
}) {
  const name = props.document ?? (typeof props.title === 'string' ? props.title : undefined)
  useCrumb(props.crumb)
  useEffect(() => {
    if (name) document.title = `${name} · NeoPro`
  }, [name])
  return (
    <div className="h">
      <div>
        <h1 tabIndex={-1}>{props.title}</h1>
        {props.children ? <p>{props.children}</p> : null}
      </div>
      {props.acts ? <div className="acts">{props.acts}</div> : null}
    </div>
  )
}

/** What a panel needs to know of its query: `useQuery`'s result has it all. */
export interface Asked<T> {
  data: T | undefined
  error: unknown
  isFetching: boolean
  isPlaceholderData?: boolean
  dataUpdatedAt: number
  refetch: () => unknown
}

interface PanelProps<T> {
  title: ReactNode
  /** A short line beside the title: unit, period, order. */
  note?: ReactNode
  end?: ReactNode
  className?: string
  query: Asked<T>
  /** Whether there is nothing in it; and what is said then. */
  isEmpty?: (data: T) => boolean
  empty?: ReactNode
  /** Rows of the skeleton, as many as the panel will have. */
  rows?: number
  children: (data: T) => ReactNode
}

/** A card that loads, fails and is empty by itself, so that the others live on. */
export function Panel<T>(props: PanelProps<T>) {
  return (
    <section className={`card ${props.className ?? ''}`} aria-busy={props.query.data === undefined && !props.query.error}>
      <PanelHead title={props.title} note={props.note} end={props.end} />
      <Loaded {...props} />
    </section>
  )
}

/** The head alone, for cards that need no query. */
export function PanelHead({ title, note, end }: { title: ReactNode; note?: ReactNode; end?: ReactNode }) {
  return (
    <header>
      <h2>{title}</h2>
      {note ? <p>{note}</p> : null}
      {end ? <div className="end">{end}</div> : null}
    </header>
  )
}

/** The states without the card: for tables and for parts of a page. */
export function Loaded<T>({ query, isEmpty, empty, rows = 3, children }: Omit<PanelProps<T>, 'title' | 'className'>) {
  const { data, error } = query
  if (data === undefined && error) return <Failed error={error} retry={() => void query.refetch()} />
  if (data === undefined) return <Skeleton rows={rows} />
  return (
    <>
      {error ? <Failed error={error} since={query.dataUpdatedAt} retry={() => void query.refetch()} /> : null}
      {isEmpty?.(data) ? empty : children(data)}
    </>
  )
}

/** The final geometry in grey, from 150 ms on: what comes at once does not flicker. */
export function Skeleton({ rows = 3 }: { rows?: number }) {
  const { t } = useWords()
  const [shown, show] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => show(true), 150)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div className="skeleton" role="status" data-shown={shown}>
      <span className="vh">{t('ui.loading')}</span>
      {Array.from({ length: rows }, (_, at) => (
        <i key={at} />
      ))}
    </div>
  )
}

/** A sentence, a way on, and what one can quote. */
export function Failed({ error, retry, since }: { error: unknown; retry?: () => void; since?: number }) {
  const words = useWords()
  const { t, formats } = words
  const said = say(error, words)
  const seconds = useSecondsUntil(said.until)
  if (isForbidden(error)) return <Forbidden />
  const gone = isGone(error)
  return (
    <div className="failed error" role="alert">
      <p>
        {said.sentence}
        {since ? ` ${t('ui.stale', { time: formats.time(new Date(since)) })}` : ''}
      </p>
      {retry && !gone ? (
        <button type="button" className="btn sm" disabled={seconds > 0} onClick={retry}>
          <Icon name="again" />
          {seconds > 0 ? t('ui.retry.wait', { seconds }) : t('ui.retry')}
        </button>
      ) : null}
      {said.reference ? <Reference code={said.reference} /> : null}
    </div>
  )
}

function Reference({ code }: { code: string }) {
  const { t, formats } = useWords()
  const [at] = useState(() => new Date())
  return (
    <small className="reference">
      {t('ui.reference', { code, time: formats.time(at, true) })}
      <CopyButton link text={code} />
    </small>
  )
}

/** A part that the account may not see. */
export function Forbidden() {
  const { t } = useWords()
  return (
    <Empty icon="key" title={t('ui.forbidden.title')}>
      {t('ui.forbidden.text')}
    </Empty>
  )
}

/** Why there is nothing, and the one next step. */
export function Empty(props: { icon?: IconName; title: ReactNode; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      {props.icon ? (
        <span className="empty-icon">
          <Icon name={props.icon} />
        </span>
      ) : null}
      <b>{props.title}</b>
      {props.children ? <p>{props.children}</p> : null}
      {props.action ? <div>{props.action}</div> : null}
    </div>
  )
}
