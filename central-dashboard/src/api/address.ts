/** Where the API is: `NG_APP_API_URL` with or without a slash or `/api` at its end, else where the page came from. */
export function apiOrigin(given: string, page: string): string {
  const trimmed = given.trim().replace(/\/+$/, '').replace(/\/api$/, '').replace(/\/+$/, '')
  if (trimmed === '') return page
  return /^https?:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`
}

/** Names of the machine itself: only what runs on it finds a server there. */
export const isLocal = (host: string): boolean => /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host)
