/** Whom a rule about second factors concerns: those who may log in and have none yet. */
import type { Account, SecurityRule } from '~/api/admin'
import type { Role } from '~/api/types'

export interface RoleCount {
  role: Role
  total: number
  without: Account[]
}

export function byRole(accounts: readonly Account[], roles: readonly Role[]): RoleCount[] {
  return roles.map((role) => {
    const own = accounts.filter((account) => account.role === role && account.status === 'active')
    return { role, total: own.length, without: own.filter((account) => !account.mfa_enabled) }
  })
}

/** How many still have to set one up under these roles. */
export const owing = (counts: readonly RoleCount[], required: readonly Role[]): number =>
  counts.reduce((sum, { role, without }) => sum + (required.includes(role) ? without.length : 0), 0)

/** What a rule would ask of people of whom the one before it asked nothing. */
export const newlyOwing = (counts: readonly RoleCount[], before: readonly Role[], after: readonly Role[]): number =>
  owing(
    counts,
    after.filter((role) => !before.includes(role)),
  )

export const MOST_DAYS = 90

/** A whole number of days that the server takes, or nothing. */
export function daysIn(text: string): number | undefined {
  const days = /^\d{1,3}$/.test(text.trim()) ? Number(text) : undefined
  return days !== undefined && days <= MOST_DAYS ? days : undefined
}

export const isSame = (a: SecurityRule, b: SecurityRule): boolean =>
  a.mfa_grace_days === b.mfa_grace_days &&
  a.mfa_required_roles.length === b.mfa_required_roles.length &&
  a.mfa_required_roles.every((role) => b.mfa_required_roles.includes(role))
