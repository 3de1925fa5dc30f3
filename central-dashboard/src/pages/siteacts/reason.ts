import { useWords } from '~/i18n/words'

interface Told {
  reason_code?: string | null
  reason?: string | null
}

/** Why something is not done: in the reader's language by its code, else in the words that the server has. */
export function useReason({ reason_code: code, reason }: Told): string | undefined {
  const { t, has } = useWords()
  if (!code && !reason) return undefined
  const key = `siteacts.reason.${code ?? 'other'}`
  return has(key) ? t(key) : (reason ?? t('siteacts.reason.other'))
}
