/** One-time codes and backup codes, however they are typed or pasted. */
import { Refused } from '~/api/errors'

export const DIGITS = 6

export type CodeKind = 'app' | 'backup'

/** `123 456` and what stands around it in a message become `123456`. */
export function onlyDigits(typed: string): string {
  return typed.replace(/\D/g, '').slice(0, DIGITS)
}

/** `abcd efgh` becomes `ABCD-EFGH`. */
export function backupCode(typed: string): string {
  const signs = typed.toUpperCase().replace(/[^A-Z0-9]/g, '')
  return signs.length > 4 ? `${signs.slice(0, 4)}-${signs.slice(4, 8)}` : signs
}

/** Whether it is worth asking the server. */
export const isWhole = (code: string, kind: CodeKind): boolean =>
  kind === 'app' ? /^\d{6}$/.test(code) : /^[A-Z0-9]{4}-[A-Z0-9]{4}$/.test(code)

/** The code was not the right one; another try is possible. With a session it is a wrong field of a form. */
export const wrongCode = (error: unknown): boolean =>
  error instanceof Refused &&
  (error.code === 'code_wrong' || (error.status === 400 && error.body.details?.some(({ field }) => field === 'code') === true))

/** What the password has opened is shut again: too late, or too many wrong codes. */
export const challengeIsOver = (error: unknown): boolean => error instanceof Refused && error.code === 'challenge_over'
