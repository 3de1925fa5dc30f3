/**
 * A person's own account: getting in with a second factor, passwords, sessions, API tokens.
 */
import { queryOptions } from '@tanstack/react-query'
import { act, get } from './client'
import { refused, Unreachable } from './errors'
import { ORIGIN } from './origin'
import type { components } from './schema'
import type { SetUp } from './session'
import type { Language } from '../i18n/words'

type S = components['schemas']

/** Whether a code is asked for at login, and whether it has to be. */
export type SecondFactor = S['FactorStatus']
export type OwnSession = S['SessionView']
export type TokenScope = S['TokenScope']
export const SCOPES = ['read', 'sites:write', 'content:write', 'commands:write', 'audit:read'] as const satisfies TokenScope[]
export type ApiToken = S['TokenView']

/** A token when it is made: the only time it is shown. */
export type NewToken = ApiToken & { token: string }
export type ResetToken = S['GoodLink']
export type FirstAccount = S['SetUp']

interface Said {
  message: string
}

/** What a person is written to about. */
export interface OwnNotices {
  mail_alerts: boolean
  mail_results: boolean
  mail_summary: boolean
}

/** What the page of one's own account reads. */
export const ownReads = {
  secondFactor: () =>
    queryOptions({
      queryKey: ['account', 'second-factor'] as const,
      queryFn: ({ signal }) => get<SecondFactor>('/api/mfa/status', {}, signal),
    }),
  sessions: () =>
    queryOptions({
      queryKey: ['account', 'sessions'] as const,
      queryFn: async ({ signal }) => (await get<{ sessions: OwnSession[] }>('/api/auth/sessions', {}, signal)).sessions,
    }),
  notices: () =>
    queryOptions({
      queryKey: ['account', 'notices'] as const,
      queryFn: ({ signal }) => get<OwnNotices>('/api/auth/notifications', {}, signal),
    }),
  tokens: () =>
    queryOptions({
      queryKey: ['account', 'tokens'] as const,
      queryFn: async ({ signal }) => (await get<{ tokens: ApiToken[] }>('/api/auth/tokens', {}, signal)).tokens,
    }),
}

export const own = {
  setUp: () => act<SetUp>('POST', '/api/mfa/setup', {}),
  /** The same to take the place of the present one, which stays until the first code of the new one. */
  replace: (code: string) => act<SetUp>('POST', '/api/mfa/replace', { code }),
  enable: (code: string) => act<Said>('POST', '/api/mfa/enable', { code }),
  disable: (code: string) => act<Said>('POST', '/api/mfa/disable', { code }),
  newBackupCodes: (code: string) => act<{ backupCodes: string[] }>('POST', '/api/mfa/backup-codes/regenerate', { code }),
  rename: (full_name: string) => act<Said>('PATCH', '/api/auth/me', { full_name }),
  changePassword: (current: string, next: string) =>
    act<Said>('POST', '/api/auth/change-password', { current_password: current, new_password: next }),
  setNotices: (next: OwnNotices) => act<OwnNotices>('PUT', '/api/auth/notifications', next),
  /** In which one is written to. */
  writeIn: (language: Language) => act<Said>('PUT', '/api/auth/language', { language }),
  endSession: (id: string) => act<Said>('DELETE', `/api/auth/sessions/${id}`),
  endOtherSessions: () => act<Said & { ended: number }>('DELETE', '/api/auth/sessions'),
  makeToken: (name: string, scopes: TokenScope[], days: number) =>
    act<NewToken>('POST', '/api/auth/tokens', { name, scopes, expires_in_days: days }),
  revokeToken: (id: string) => act<Said>('DELETE', `/api/auth/tokens/${id}`),
}

/** What is asked without a session: no refusal here says that one is over. */
export const open = {
  forgotPassword: (email: string, language: Language) =>
    ask<Said>('POST', '/api/auth/forgot-password', { email, language }),
  resetToken: (token: string) => ask<ResetToken>('GET', `/api/auth/verify-reset-token?token=${encodeURIComponent(token)}`),
  resetPassword: (token: string, password: string, language: Language) =>
    ask<Said>('POST', '/api/auth/reset-password', { token, password, password_confirm: password, language }),
  firstAccount: (token: string) => ask<{ valid: boolean }>('GET', `/api/auth/setup?token=${encodeURIComponent(token)}`),
  makeFirstAccount: (account: FirstAccount) => ask<Said>('POST', '/api/auth/setup', account),
}

async function ask<T>(method: 'GET' | 'POST', path: string, content?: object): Promise<T> {
  // With cookies: one says that this browser is no stranger.
  const init: RequestInit = { method, credentials: 'include' }
  if (content) {
    init.headers = { 'Content-Type': 'application/json' }
    init.body = JSON.stringify(content)
  }
  let answer: Response
  try {
    answer = await fetch(ORIGIN + path, { ...init, signal: AbortSignal.timeout(20_000) })
  } catch (error) {
    throw new Unreachable(error)
  }
  if (!answer.ok) throw await refused(answer)
  return (await answer.json()) as T
}
