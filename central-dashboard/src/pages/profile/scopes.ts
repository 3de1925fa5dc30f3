import { SCOPES, type TokenScope } from '~/api/account'
import type { Role } from '~/api/types'
import { ADMINS, OPERATORS } from '~/app/pages'

/** A token never allows more than its person may do: what the role lacks is not offered. */
export function scopesFor(role: Role): readonly TokenScope[] {
  return SCOPES.filter((scope) => {
    if (scope === 'audit:read') return ADMINS.includes(role)
    return scope === 'read' || OPERATORS.includes(role)
  })
}
