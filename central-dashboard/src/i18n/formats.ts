/** Numbers, dates, sizes and durations as the language writes them. */
const NARROW = /\u202f/g

export interface Formats {
  number(value: number): string
  decimal(value: number, digits: number): string
  percent(share: number, digits?: number): string
  bytes(value: number): string
  duration(seconds: number): string
  clock(seconds: number): string
  date(at: Date): string
  day(at: Date): string
  /** The day of the week, the whole date and the minute: what one agrees to. */
  moment(at: Date): string
  time(at: Date, withSeconds?: boolean): string
  dateTime(at: Date): string
  exact(at: Date): string
  ago(at: Date, now: number): string
  list(parts: string[]): string
  compare(a: string, b: string): number
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const
const FRENCH = ['o', 'ko', 'Mo', 'Go', 'To'] as const

/** The formats of a locale such as `fr-FR`. */
export function formats(locale: string): Formats {
  const number = new Intl.NumberFormat(locale)
  const collator = new Intl.Collator(locale, { sensitivity: 'base', numeric: true })
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'always', style: 'short' })
  const lists = new Intl.ListFormat(locale)
  const when = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale, options)
    return (at: Date) => plain(format.format(at))
  }
  const date = when({ day: '2-digit', month: '2-digit', year: 'numeric' })
  const time = when({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const seconds = when({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
  const day = when({ weekday: 'long', day: 'numeric', month: 'long' })
  const moment = when({ dateStyle: 'full', timeStyle: 'short' })
  const exact = when({ dateStyle: 'full', timeStyle: 'medium' })
  const decimal = (value: number, digits: number) =>
    plain(
      new Intl.NumberFormat(locale, { maximumFractionDigits: digits, minimumFractionDigits: 0 }).format(value),
    )
  const dateTime = (at: Date) => `${date(at)} ${time(at)}`
  return {
    number: (value) => plain(number.format(value)),
    decimal,
    percent: (share, digits = 1) =>
      plain(new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: digits }).format(share)),
    bytes: (value) => bytes(value, locale.startsWith('fr') ? FRENCH : UNITS, decimal),
    duration,
    clock,
    date,
    day,
    time: (at, withSeconds = false) => (withSeconds ? seconds(at) : time(at)),
    dateTime,
    exact,
    moment,
    ago: (at, now) => ago(at, now, relative, dateTime),
    list: (parts) => lists.format(parts),
    compare: (a, b) => collator.compare(a, b),
  }
}

function plain(text: string): string {
  return text.replace(NARROW, '\u00a0')
}

/** Base 10, as discs are sold. What would be rounded up to a thousand is one of the next unit. */
function bytes(value: number, units: readonly string[], decimal: (value: number, digits: number) => string): string {
  let step = 0
  let scaled = value
  while (Math.round(scaled) >= 1000 && step < units.length - 1) {
    scaled /= 1000
    step += 1
  }
  return `${decimal(scaled, scaled < 10 && step > 1 ? 1 : 0)}\u00a0${units[step] ?? ''}`
}

/** `41 s`, `2 min 35`, `12 min`, `2 h 14`: the same in our three languages. */
function duration(total: number): string {
  const seconds = Math.max(0, Math.round(total))
  if (seconds < 60) return `${seconds}\u00a0s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) {
    const rest = seconds % 60
    return minutes < 10 && rest > 0 ? `${minutes}\u00a0min\u00a0${rest}` : `${minutes}\u00a0min`
  }
  const hours = Math.floor(minutes / 60)
  const rest = minutes % 60
  return rest === 0 ? `${hours}\u00a0h` : `${hours}\u00a0h\u00a0${String(rest).padStart(2, '0')}`
}

/** Length of a video: `0:15`, `2:35`, `1:02:03`. */
function clock(total: number): string {
  const seconds = Math.max(0, Math.round(total))
  const two = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

/** Relative under a day, then the date. */
function ago(at: Date, now: number, relative: Intl.RelativeTimeFormat, date: (at: Date) => string): string {
  const seconds = Math.round((at.getTime() - now) / 1000)
  const size = Math.abs(seconds)
  if (size >= 86_400) return date(at)
  // Of this very second is behind us: a plain zero would be "in 0 s".
  if (size < 60) return plain(relative.format(seconds === 0 ? -0 : seconds, 'second'))
  if (size < 3600) return plain(relative.format(Math.trunc(seconds / 60), 'minute'))
  return plain(relative.format(Math.trunc(seconds / 3600), 'hour'))
}
