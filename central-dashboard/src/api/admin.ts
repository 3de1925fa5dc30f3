/** What the pages of administration read, and the shapes of it. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { act, get, type Query } from './client'
import type { components } from './schema'

type S = components['schemas']
export type AccountStatus = S['UserStatus']

/** Somebody who may log in. */
export type Account = S['User']
export type Accounts = S['Users']
export type Named = S['Named']
export type Tenants = S['Tenants']
export type Agency = S['Agency']
export type AgencySite = S['AgencySite']

/** One act that was written down. What it was and is may be of any shape. */
export type AuditEntry = Omit<S['Log'], 'details' | 'before' | 'after'> & {
  details?: unknown
  before?: unknown
  after?: unknown
}

export type AuditPage = Omit<S['Logs'], 'logs'> & { logs: AuditEntry[] }
export type Seals = S['Seals']
export type SecurityRule = S['SecuritySettings']
export type Limit = S['RateLimit']
/** For how long what is kept. */
export type Retention = S['RetentionSettings']
/** From when on something is told, and how often. */
export type AlertRules = S['AlertSettings']
export type StorageUse = S['StorageUse']

export type CheckState = S['CheckState']
export type Diagnosis = S['Diagnosis']
export type Finding = S['DoctorFinding']

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
  retention: () =>
    queryOptions({
      queryKey: ['settings', 'retention'] as const,
      queryFn: ({ signal }) => get<Retention>('/api/settings/retention', {}, signal),
    }),
  alertRules: () =>
    queryOptions({
      queryKey: ['settings', 'alerts'] as const,
      queryFn: ({ signal }) => get<AlertRules>('/api/settings/alerts', {}, signal),
    }),
  limits: () =>
    queryOptions({
      queryKey: ['settings', 'limits'] as const,
      queryFn: ({ signal }) => get<{ limits: Limit[] }>('/api/limits', {}, signal),
    }),
  storage: () =>
    queryOptions({
      queryKey: ['videos', 'storage'] as const,
      queryFn: ({ signal }) => get<StorageUse>('/api/storage', {}, signal),
    }),
  doctor: (language: string) =>
    queryOptions({
      queryKey: ['doctor', language] as const,
      queryFn: ({ signal }) => get<Diagnosis>('/api/doctor', { language }, signal),
      placeholderData: keepPreviousData,
    }),
}

/** A test message by every way out; without an address the mail goes to its own sender. */
export const sendTrials = (email: string, language: string): Promise<{ sent: Finding[] }> =>
  act('POST', '/api/doctor/send', email ? { email, language } : { language })
