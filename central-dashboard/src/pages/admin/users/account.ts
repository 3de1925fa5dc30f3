/** What can be said of an account, and what the form says to the server. */
import type { Account } from '~/api/admin'
import type { Role } from '~/api/types'

export const ROLES: readonly Role[] = ['super_admin', 'admin', 'operator', 'viewer', 'agency', 'sponsor']

export type Standing = Account['status'] | 'invited'

/** An invitation that nobody has taken up is no account in use yet. */
export const standingOf = ({ status, invited, has_logged_in }: Account): Standing =>
  status === 'active' && invited && !has_logged_in ? 'invited' : status

export type Factor = 'on' | 'due' | 'off'

/** Whether there is a second factor, and whether there has to be one. */
export const factorOf = ({ mfa_enabled, role }: Account, required: readonly Role[]): Factor =>
  mfa_enabled ? 'on' : required.includes(role) ? 'due' : 'off'

/** Somebody of this role belongs to one of these. */
export const tenantKind = (role: string): 'agency' | 'sponsor' | undefined =>
  role === 'agency' || role === 'sponsor' ? role : undefined

/** Its agency or its partner is gone: the server lets it in again only with another one. */
export const isLoose = ({ role, agency_id, sponsor_id }: Account): boolean =>
  (role === 'agency' && !agency_id) || (role === 'sponsor' && !sponsor_id)

export const nameOf = ({ full_name, email }: Pick<Account, 'full_name' | 'email'>): string => full_name || email

/** The fields of the form; `tenant` is the agency or the partner, as the role wants it. */
export type Content = Record<'full_name' | 'email' | 'role' | 'tenant', string>

export const contentOf = (account: Account): Content => ({
  full_name: account.full_name ?? '',
  email: account.email,
  role: account.role,
  tenant: (account.role === 'agency' ? account.agency_id : account.role === 'sponsor' ? account.sponsor_id : null) ?? '',
})

export interface Changes {
  full_name?: string
  email?: string
  role?: string
  agency_id?: string | null
  sponsor_id?: string | null
}

/** What the server is told of these fields. A role and what it belongs to go together. */
export function changesOf(content: Content, fields: readonly (keyof Content)[]): Changes {
  const changes: Changes = {}
  if (fields.includes('full_name')) changes.full_name = content.full_name
  if (fields.includes('email')) changes.email = content.email
  if (fields.includes('role') || fields.includes('tenant')) {
    const kind = tenantKind(content.role)
    changes.role = content.role
    changes.agency_id = kind === 'agency' ? content.tenant : null
    changes.sponsor_id = kind === 'sponsor' ? content.tenant : null
  }
  return changes
}

/** What is missing before the server is asked: the fields, each with the word for it. */
export function lacking(content: Content): Record<string, string> {
  const found: Record<string, string> = {}
  if (!content.full_name) found['full_name'] = 'missing'
  if (!/^\S+@\S+$/.test(content.email)) found['email'] = content.email ? 'wrong' : 'missing'
  if (tenantKind(content.role) && !content.tenant) found['tenant'] = 'missing'
  return found
}
