/** What an entry says in fields: one line for each that is worth reading, deep ones with the way to them. */
import type { AuditEntry } from '~/api/admin'

export interface Line {
  field: string
  before: string | undefined
  after: string | undefined
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `{ location: { city: 'Vitré' } }` is `location.city`. */
function flat(value: unknown, path: string, into: Map<string, string>): void {
  if (isObject(value) && Object.keys(value).length > 0) {
    for (const [name, part] of Object.entries(value)) flat(part, path ? `${path}.${name}` : name, into)
  } else if (path && value !== undefined) {
    into.set(path, textOf(value))
  }
}

/** A list of words is read as one. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const isPlain = Array.isArray(value) && value.every((one) => typeof one !== 'object')
  return isPlain ? value.join(', ') : JSON.stringify(value)
}

export function fieldsOf(value: unknown): Map<string, string> {
  const found = new Map<string, string>()
  flat(value, '', found)
  return found
}

/** An entry's two states and what else it says; those that stand among what else is said are states as well. */
export function parted({ before, after, details }: Pick<AuditEntry, 'before' | 'after' | 'details'>) {
  // Which fields were sent is told by the states themselves.
  const { before: old, after: now, fields: _, ...rest } = isObject(details) ? details : { value: details ?? undefined }
  return { before: before ?? old, after: after ?? now, said: [...fieldsOf(rest)] }
}

/** What differs between two states, in the order in which it stands there; all of it where there is only one. */
export function linesOf(before: unknown, after: unknown): Line[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  const fields = [...new Set([...old.keys(), ...now.keys()])]
  return fields
    .map((field) => ({ field, before: old.get(field), after: now.get(field) }))
    .filter((line) => line.before !== line.after || isSecret(line.before))
}

/** What was blotted out looks the same before and after, and is not. */
const isSecret = (text: string | undefined): boolean => text === '•••'
