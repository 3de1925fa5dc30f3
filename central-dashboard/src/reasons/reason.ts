/** Why something did not arrive: one word and one piece of advice for each reason, wherever it is shown. */
import type { Words } from '~/i18n/words'

export interface Told {
  reason_code?: string | null
  reason?: string | null
}

/** What stands where no reason was told, also in addresses and in what the server is asked. */
export const UNKNOWN = 'unknown'

/** The reason in the reader's language; what a newer box may say stays in its own words. */
export function reasonWord({ reason_code: code, reason }: Told, { t, has }: Words): string {
  const key = `reasons.${code ?? UNKNOWN}`
  return has(key) ? t(key) : (reason ?? t('reasons.unknown'))
}

/** What mends it. */
export function advice({ reason_code: code }: Told, { t, has }: Words): string {
  const key = `reasons.advice.${code ?? UNKNOWN}`
  return has(key) ? t(key) : t('reasons.advice.unknown')
}

/** The same where often nothing failed: then there is nothing to say. */
export const reasonOf = (told: Told, words: Words): string | undefined =>
  told.reason_code || told.reason ? reasonWord(told, words) : undefined
