/** What the pages of administration read, and the shapes of it. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { get, type Query } from './client'
import type { Role } from './types'

export type AccountStatus = 'active' | 'inactive' | 'suspended'

/** Somebody who may log in. */
export interface Account {
  id: string
  email: string
  full_name?: string | null
  role: Role
  sponsor_id?: string | null
  sponsor_name?: string | null
  agency_id?: string | null
  agency_name?: string | null
  mfa_enabled: boolean
  status: AccountStatus
  created_at: string
  updated_at: string
  last_login_at?: string | null
  /** An invitation is on its way and was not taken up yet. */
  invited: boolean
  has_logged_in: boolean
}

export interface Accounts {
  users: Account[]
  total: number
}

export interface Named {
  id: string
  name: string
}

export interface Tenants {
  agencies: Named[]
  sponsors: Named[]
}

export interface Agency {
  id: string
  name: string
  description?: string | null
  contact_name?: string | null
  contact_email?: string | null
  contact_phone?: string | null
  status: AccountStatus
  created_at: string
  /** A text, as NeoPro 1 gives it; only in the list. */
  site_count?: string | number
}

export interface AgencySite {
  id: string
  site_name: string
  club_name: string
  status: 'online' | 'offline' | 'maintenance' | 'error'
  location?: { city?: string; region?: string } | null
}

/** One act that was written down. */
export interface AuditEntry {
  id: string
  action: string
  user_id?: string | null
  user_email?: string | null
  target_type?: string | null
  target_id?: string | null
  target_name?: string | null
  details: unknown
  before?: unknown
  after?: unknown
  ip_address?: string | null
  user_agent?: string | null
  session_id?: string | null
  token_id?: string | null
  created_at: string
  sealed: boolean
  /** Its place in the chain of seals. */
  number?: number | null
  /** Whether a person was erased from it. */
  erased: boolean
}

export interface AuditPage {
  logs: AuditEntry[]
  total: number
  page: number
  totalPages: number
}

export interface Seals {
  last_seal_at?: string | null
  last_number?: number | null
  unsealed: number
}

export interface SecurityRule {
  mfa_required_roles: Role[]
  mfa_grace_days: number
}

export interface Limit {
  name: string
  who: string
  burst: number
  per_minute: number
}

/** Accounts of one answer. */
const PAGE = 100

/** Answers in which NeoPro 1 wraps what was asked for. */
async function wrapped<T>(path: string, query: Query, signal: AbortSignal): Promise<T> {
  return (await get<{ data: T }>(path, query, signal)).data
}

export const adminReads = {
  /** The list, page after page as one scrolls. */
  accountsEndless: (filters: Query) =>
    infiniteQueryOptions({
      queryKey: ['users', 'list', 'endless', filters] as const,
      queryFn: ({ signal, pageParam }) =>
        wrapped<Accounts>('/api/users', { ...filters, page: pageParam, limit: PAGE }, signal),
      initialPageParam: 1,
      getNextPageParam: (last, pages) => (pages.length * PAGE < last.total ? pages.length + 1 : undefined),
      placeholderData: keepPreviousData,
    }),
  /** Everybody at once: to count, and to choose from. */
  accounts: (filters: Query = {}) =>
    queryOptions({
      queryKey: ['users', 'list', filters] as const,
      queryFn: ({ signal }) => wrapped<Accounts>('/api/users', filters, signal),
    }),
  tenants: () =>
    queryOptions({
      queryKey: ['users', 'tenants'] as const,
      queryFn: ({ signal }) => get<Tenants>('/api/users/tenants', {}, signal),
    }),
  agencies: () =>
    queryOptions({
      queryKey: ['agencies', 'list'] as const,
      queryFn: ({ signal }) => wrapped<{ agencies: Agency[]; total: number }>('/api/agencies', {}, signal),
    }),
  agency: (id: string) =>
    queryOptions({
      queryKey: ['agencies', 'one', id] as const,
      queryFn: async ({ signal }) => (await wrapped<{ agency: Agency }>(`/api/agencies/${id}`, {}, signal)).agency,
    }),
  agencySites: (id: string) =>
    queryOptions({
      queryKey: ['agencies', 'sites', id] as const,
      queryFn: ({ signal }) => wrapped<{ sites: AgencySite[]; total: number }>(`/api/agencies/${id}/sites`, {}, signal),
    }),
  audit: (filters: Query) =>
    queryOptions({
      queryKey: ['audit', 'list', filters] as const,
      queryFn: ({ signal }) => get<AuditPage>('/api/audit', filters, signal),
      placeholderData: keepPreviousData,
    }),
  auditActions: () =>
    queryOptions({
      queryKey: ['audit', 'actions'] as const,
      queryFn: ({ signal }) => get<{ actions: string[] }>('/api/audit/actions', {}, signal),
    }),
  seals: () =>
    queryOptions({
      queryKey: ['audit', 'seals'] as const,
      queryFn: ({ signal }) => get<Seals>('/api/audit/seals', {}, signal),
    }),
  security: () =>
    queryOptions({
      queryKey: ['settings', 'security'] as const,
      queryFn: ({ signal }) => get<SecurityRule>('/api/settings/security', {}, signal),
    }),
  limits: () =>
    queryOptions({
      queryKey: ['settings', 'limits'] as const,
      queryFn: ({ signal }) => get<{ limits: Limit[] }>('/api/limits', {}, signal),
    }),
}
