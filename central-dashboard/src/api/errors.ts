/** What went wrong between this page and the server, in a form that pages can show. */
import type { components } from './schema'
import type { Words } from '../i18n/words'

export type ErrorBody = components['schemas']['ErrorBody']

/** The server answered, and it was no. */
export class Refused extends Error {
  /** When: what the server says to wait counts from here. */
  readonly at = Date.now()

  constructor(
    readonly status: number,
    readonly body: Partial<ErrorBody>,
  ) {
    super(body.error ?? `HTTP ${status}`)
    this.name = 'Refused'
  }

  get code(): string {
    return this.body.code ?? ''
  }
}

/** What stands before a server says so while there is none behind it. */
export const NOT_YET = [502, 503, 504]

/** No answer came. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('unreachable', { cause })
    this.name = 'Unreachable'
  }
}

export interface Said {
  /** What happened, what it means, what to do. */
  sentence: string
  /** What one can quote to support: the request's id, or nothing. */
  reference: string | undefined
  /** Until then another try would be refused as well. */
  until: number | undefined
}

/** The sentence for a person. The server's own words are French; other languages say it by the code. */
export function say(error: unknown, words: Words): Said {
  if (error instanceof Refused) {
    const until = waitsUntil(error)
    return { sentence: sentence(error, words, until), reference: error.body.request_id, until }
  }
  if (error instanceof Unreachable) {
    const key = navigator.onLine ? 'api.unreachable' : 'api.offline'
    return { sentence: words.t(key), reference: undefined, until: undefined }
  }
  return { sentence: words.t('api.unexpected'), reference: undefined, until: undefined }
}

/** Only who asked too much has to wait; where the server is busy, one more try costs nothing. */
function waitsUntil({ status, at, body }: Refused): number | undefined {
  return status === 429 ? at + (body.retryAfter ?? 60) * 1000 : undefined
}

function sentence(error: Refused, words: Words, until: number | undefined): string {
  const { status } = error
  // A time stays true for as long as the sentence stands; so many seconds are wrong a second later.
  if (until) return words.t('api.code.too_many_requests', { time: words.formats.time(new Date(until), true) })
  // The server names its fields as programs do; a form says them by their labels.
  if (words.language === 'fr' && error.body.error && error.code !== 'invalid') {
    return [error.body.error, error.body.message].filter(Boolean).join(' ')
  }
  // Where no form has these fields, why is all that helps.
  const why = (error.body.details ?? []).map(({ message }) => message).join(' ')
  if (words.language === 'fr' && why) return why
  const key = `api.code.${error.code}`
  if (words.has(key)) return words.t(key)
  // Not our server's words: what stands before it says so while it sleeps, starts or is replaced.
  if (!error.code && NOT_YET.includes(status)) return words.t('api.waking')
  if (status >= 500) return words.t('api.code.internal')
  return words.t('api.refused', { code: error.code || `HTTP ${status}` })
}

export const isForbidden = (error: unknown): boolean => error instanceof Refused && error.status === 403
/** Nothing is there, or the address names nothing that could be. */
export const isGone = (error: unknown): boolean =>
  error instanceof Refused &&
  (error.status === 404 || (error.status === 400 && error.body.details?.some(({ field }) => field === 'id') === true))

/** Reads a refusal; a proxy in between may have answered with something else than our JSON. */
export async function refused(answer: Response): Promise<Refused> {
  let said: Partial<ErrorBody> = {}
  try {
    said = (await answer.json()) as Partial<ErrorBody>
  } catch {
    // Not our server's body: the status has to do.
  }
  const after = Number(answer.headers.get('Retry-After'))
  if (said.retryAfter == null && after > 0) said.retryAfter = after
  return new Refused(answer.status, said)
}
