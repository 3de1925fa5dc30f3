/** Small values that every page shows: age, size, length. */
import { useSyncExternalStore } from 'react'
import { useWords } from '~/i18n/words'

let second = Date.now()
let timer: ReturnType<typeof setInterval> | undefined
const listeners = new Set<() => void>()

/** One clock for all ages; it stands while nobody looks. */
function tick(tell: () => void): () => void {
  listeners.add(tell)
  timer ??= setInterval(() => {
    if (document.hidden) return
    second = Date.now()
    for (const each of listeners) each()
  }, 1000)
  return () => {
    listeners.delete(tell)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

const never = () => () => undefined

/** The seconds until a moment, counted down to none. */
export function useSecondsUntil(until: number | undefined): number {
  return useSyncExternalStore(until ? tick : never, () => Math.max(0, Math.ceil(((until ?? 0) - Date.now()) / 1000)))
}

/** The age of something, alive; the exact time on hover and for those who hear it. */
export function Age({ at, still = false, none }: { at: string | Date | null | undefined; still?: boolean; none?: string }) {
  const { t, formats } = useWords()
  const date = at ? new Date(at) : null
  const text = useSyncExternalStore(still ? never : tick, () =>
    date ? formats.ago(date, still ? second : Math.max(second, date.getTime())) : '',
  )
  if (!date) return <span className="mut">{none ?? t('ui.never')}</span>
  const exact = formats.exact(date)
  return (
    <time dateTime={date.toISOString()} title={exact}>
      {text}
    </time>
  )
}

/** A point in time, in figures. */
export function When({ at }: { at: string | Date | null | undefined }) {
  const { t, formats } = useWords()
  if (!at) return <span className="mut">{t('ui.never')}</span>
  const date = new Date(at)
  return (
    <time dateTime={date.toISOString()} title={formats.exact(date)}>
      {formats.dateTime(date)}
    </time>
  )
}

/** `38 Mo`, base 10; unknown is a value. */
export function Bytes({ value }: { value: number | null | undefined }) {
  const { t, formats } = useWords()
  return value == null ? <span className="mut">{t('ui.unknown')}</span> : <>{formats.bytes(value)}</>
}

/** `2 h 14`, or `0:15` as the length of a video. */
export function Duration({ seconds, clock = false }: { seconds: number | null | undefined; clock?: boolean }) {
  const { t, formats } = useWords()
  if (seconds == null) return <span className="mut">{t('ui.unknown')}</span>
  return <>{clock ? formats.clock(seconds) : formats.duration(seconds)}</>
}

/** `98 %` */
export function Percent({ share, digits = 1 }: { share: number | null | undefined; digits?: number }) {
  const { t, formats } = useWords()
  return share == null ? <span className="mut">{t('ui.unknown')}</span> : <>{formats.percent(share, digits)}</>
}
