import { Refused } from '~/api/errors'

/** A wrong pair; an account with a second factor and a disabled one have sentences of their own. */
export const wrongPassword = (error: unknown): boolean =>
  error instanceof Refused && error.status === 401 && ['unauthenticated', 'invalid_credentials'].includes(error.code)
