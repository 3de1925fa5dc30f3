/**
 * What the password has opened, kept in this tab for as long as it is open: a telephone that throws the page away while its
 * person looks at the application with the codes must not ask for the password again.
 */
import type { Challenge } from '~/api/session'

export interface Proven {
  email: string
  challenge: Challenge
}

const KEY = 'neopro.login'

/** `undefined` when the step is over. */
export function keep(proven: Proven | undefined): void {
  try {
    if (proven) sessionStorage.setItem(KEY, JSON.stringify(proven))
    else sessionStorage.removeItem(KEY)
  } catch {
    // Storage is off: a reload begins with the password.
  }
}

/** What is still open. Somebody else's page may have written there, or an older version of this one. */
export function kept(now = Date.now()): Proven | undefined {
  try {
    const { email, challenge } = JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Partial<Proven>
    const { wants, challenge: token, until } = challenge ?? {}
    const isWhole = typeof email === 'string' && typeof token === 'string' && typeof until === 'number'
    if (isWhole && until > now && (wants === 'code' || wants === 'setup')) return { email, challenge: { wants, challenge: token, until } }
  } catch {
    // The same.
  }
  return undefined
}
