/** Where the API is: `NG_APP_API_URL` with or without a slash or `/api` at its end, else where the page came from. */
export function apiOrigin(given: string, page: string): string {
  const trimmed = given.trim().replace(/\/+$/, '').replace(/\/api$/, '').replace(/\/+$/, '')
  if (trimmed === '') return page
  return /^https?:\/\//.test(trimmed) ? trimmed : `https://${trimmed}`
}

export const ORIGIN = apiOrigin(__API__, globalThis.location?.origin ?? '')

/** On the page's own origin the cookie always does; elsewhere browsers may block it. */
export const SAME_ORIGIN = ORIGIN === (globalThis.location?.origin ?? '')
