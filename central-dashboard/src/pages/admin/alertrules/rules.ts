/** From when on something is told, and how often, as people type it. */
import type { AlertRules } from '~/api/admin'

type Numbers = Omit<AlertRules, 'weekly_summary' | 'language'>
export type Field = keyof Numbers
export type Texts = Record<Field, string> & { weekly_summary: boolean; language: AlertRules['language'] }

/** What the server takes, from and to; of `decimals` not only whole numbers. */
export const RANGES: Record<Field, { least: number; most: number; decimals?: true }> = {
  offline_minutes: { least: 3, most: 10_080 },
  offline_critical_minutes: { least: 3, most: 43_200 },
  temperature_warning: { least: 40, most: 110, decimals: true },
  temperature_critical: { least: 40, most: 110, decimals: true },
  disk_warning: { least: 10, most: 100, decimals: true },
  disk_critical: { least: 10, most: 100, decimals: true },
  memory_warning: { least: 10, most: 100, decimals: true },
  minutes_between: { least: 5, most: 1440 },
  repeat_hours: { least: 0, most: 720 },
  mails_per_day: { least: 0, most: 100_000 },
}

export const FIELDS = Object.keys(RANGES) as Field[]

/** A critical threshold is no lower than the one that it is the worse of. */
const ABOVE: Partial<Record<Field, Field>> = {
  offline_critical_minutes: 'offline_minutes',
  temperature_critical: 'temperature_warning',
  disk_critical: 'disk_warning',
}

/** As the language writes it, without marks between thousands: `75,5`. */
export const textsOf = (rules: AlertRules, language: string): Texts => {
  const text = (value: number) => (language === 'en' ? String(value) : String(value).replace('.', ','))
  return {
    ...(Object.fromEntries(FIELDS.map((field) => [field, text(rules[field])])) as Record<Field, string>),
    weekly_summary: rules.weekly_summary,
    language: rules.language,
  }
}

/** The number that stands in a field, with a comma or a point, if it is one that the server takes. */
export function numberIn(field: Field, text: string): number | undefined {
  const { least, most, decimals } = RANGES[field]
  if (!(decimals ? /^\d{1,3}([.,]\d{1,2})?$/ : /^\d{1,6}$/).test(text.trim())) return undefined
  const number = Number(text.trim().replace(',', '.'))
  // A number within is its own nearest one.
  return Math.min(Math.max(number, least), most) === number ? number : undefined
}

/** What is wrong with a field: it is no such number, or below the one that it must not be below. */
export function wrongIn(field: Field, texts: Texts): 'wrong' | 'below' | undefined {
  const number = numberIn(field, texts[field])
  if (number === undefined) return 'wrong'
  const lower = ABOVE[field]
  const least = lower && numberIn(lower, texts[lower])
  return least !== undefined && Math.max(number, least) !== number ? 'below' : undefined
}

/** Those of these fields that there are, as the server wants them. */
export function rulesIn(texts: Partial<Texts>): Partial<AlertRules> {
  const { weekly_summary, language } = texts
  const numbers = FIELDS.flatMap((field) => {
    const text = texts[field]
    const number = text === undefined ? undefined : numberIn(field, text)
    return number === undefined ? [] : [[field, number] as const]
  })
  return {
    ...(Object.fromEntries(numbers) as Partial<Numbers>),
    ...(weekly_summary === undefined ? {} : { weekly_summary }),
    ...(language === undefined ? {} : { language }),
  }
}
