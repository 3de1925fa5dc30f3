/** The words for acts and for what they were done to. A newer server may have more of them: those are shown as they are. */
import type { Words } from '~/i18n/words'

export const KINDS = ['user', 'session', 'api_token', 'site', 'group', 'video', 'deployment', 'command', 'agency', 'settings', 'alert'] as const

const wordFor = ({ t, has }: Words, key: string, raw: string): string => (has(key) ? t(key) : raw)

export const actionIn = (words: Words, action: string): string => wordFor(words, `audit.action.${action}`, action)

export const kindIn = (words: Words, kind: string): string => wordFor(words, `audit.target.${kind}`, kind)

export const fieldIn = (words: Words, field: string): string => wordFor(words, `audit.field.${field}`, field)

/** The value of a field, where it is a word of the server's. */
export function valueIn(words: Words, field: string, value: string): string {
  if (field === 'role') return wordFor(words, `app.role.${value}`, value)
  // Lists of words stand in one line.
  if (field === 'mfa_required_roles') return each(value, (one) => wordFor(words, `app.role.${one}`, one))
  if (field === 'scopes') return each(value, (one) => wordFor(words, `profile.scope.${one.replace(':', '_')}`, one))
  if (field === 'status') return wordFor(words, `users.standing.${value}`, wordFor(words, `ui.state.${value}`, value))
  return wordFor(words, `audit.value.${field}.${value}`, value)
}

const each = (value: string, said: (one: string) => string): string => value.split(', ').map(said).join(', ')

/** The page of what an act was done to, if it has one. */
export function placeOf(kind: string | null, id: string | null | undefined): string | undefined {
  if (!id) return undefined
  if (kind === 'site') return `/sites/${id}/apercu`
  if (kind === 'group') return `/groups/${id}`
  if (kind === 'video') return `/content/${id}`
  if (kind === 'deployment') return `/deployments/${id}`
  if (kind === 'agency') return `/admin/agencies/${id}`
  return undefined
}
