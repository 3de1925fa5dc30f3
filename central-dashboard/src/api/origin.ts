import { apiOrigin } from './address'

export const ORIGIN = apiOrigin(__API__, globalThis.location?.origin ?? '')

/** On the page's own origin the cookie always does; elsewhere browsers may block it. */
export const SAME_ORIGIN = ORIGIN === (globalThis.location?.origin ?? '')
