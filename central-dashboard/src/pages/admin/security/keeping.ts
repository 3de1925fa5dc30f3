/** The limits of what is kept, as people type them. */
import type { Retention } from '~/api/admin'

export type Field = keyof Retention
export type Texts = Record<Field, string>

/** What the server takes, from and to. */
export const RANGES: Record<Field, readonly [number, number]> = {
  five_minutes_days: [1, 90],
  hours_months: [2, 60],
  plays_days: [7, 400],
  commands_days: [7, 400],
  deployments_months: [3, 120],
  database_limit_mb: [0, 1_000_000],
}

export const FIELDS = Object.keys(RANGES) as Field[]

export const textsOf = (kept: Retention): Texts =>
  Object.fromEntries(FIELDS.map((field) => [field, String(kept[field])])) as Texts

/** A number that the server takes is its own nearest one. */
const within = (field: Field, number: number): boolean => Math.min(Math.max(number, RANGES[field][0]), RANGES[field][1]) === number

/** The numbers, if each is one that the server takes. */
export function numbersIn(texts: Texts): Retention | undefined {
  const numberOf = (field: Field) => (/^\d{1,7}$/.test(texts[field].trim()) ? Number(texts[field]) : NaN)
  if (!FIELDS.every((field) => within(field, numberOf(field)))) return undefined
  return Object.fromEntries(FIELDS.map((field) => [field, numberOf(field)])) as unknown as Retention
}

/** Those of these fields that there are, as the server wants them. */
export const valuesIn = (texts: Partial<Texts>): Partial<Retention> =>
  Object.fromEntries(FIELDS.flatMap((field) => (texts[field] === undefined ? [] : [[field, Number(texts[field])]])))

/** Whether something is deleted earlier than before. */
export const isShorter = (before: Retention, after: Retention): boolean =>
  FIELDS.some((field) => field !== 'database_limit_mb' && Math.max(after[field], before[field]) !== after[field])
