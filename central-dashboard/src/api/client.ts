/** The typed client of the API: `data(api.GET('/api/sites', …))` gives the data or throws what `errors.ts` can say. */
import createClient from 'openapi-fetch'
import { refused, Unreachable } from './errors'
import { ORIGIN } from './origin'
import type { paths } from './schema'
import { bearer, credentials, sessionEnded, usesCookie } from './session'

/** One request with the session; a token that ended too early is renewed once. */
export async function request(input: Request | string, init?: RequestInit): Promise<Response> {
  const make = () => (typeof input === 'string' ? new Request(ORIGIN + input, init) : input.clone())
  let answer = await once(make(), await bearer())
  if (answer.status === 401 && !usesCookie()) {
    answer = await once(make(), await bearer(true))
  }
  if (answer.status === 401) sessionEnded()
  return answer
}

async function once(asked: Request, token: string | undefined): Promise<Response> {
  if (token) asked.headers.set('Authorization', `Bearer ${token}`)
  try {
    return await fetch(asked, { credentials: credentials() })
  } catch (error) {
    if (asked.signal.aborted) throw error
    throw new Unreachable(error)
  }
}

export const api = createClient<paths>({ baseUrl: ORIGIN, fetch: (asked: Request) => request(asked) })

api.use({
  async onResponse({ response }) {
    if (!response.ok) throw await refused(response)
  },
})

/** Takes the data out of an answer: a refusal has been thrown before. */
export async function data<T>(asked: Promise<{ data?: T }>): Promise<T> {
  return (await asked).data as T
}

export type Query = Record<string, string | number | boolean | undefined | null>

/** The same without the document's types: for addresses that come from the server, and headers that are needed. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await getWithHeaders<T>(path, query, signal)).data
}

export async function getWithHeaders<T>(
  path: string,
  query: Query = {},
  signal?: AbortSignal,
): Promise<{ data: T; headers: Headers }> {
  const answer = await request(path + search(query), signal ? { signal } : undefined)
  if (!answer.ok) throw await refused(answer)
  return { data: (await answer.json()) as T, headers: answer.headers }
}

/** What is to become a file, byte for byte. */
export async function getBlob(path: string, query: Query = {}): Promise<Blob> {
  const answer = await request(path + search(query))
  if (!answer.ok) throw await refused(answer)
  return answer.blob()
}

/** An act with a JSON body. */
export async function act<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, content?: object): Promise<T> {
  const init: RequestInit = { method }
  if (content) {
    init.headers = { 'Content-Type': 'application/json' }
    init.body = JSON.stringify(content)
  }
  const answer = await request(path, init)
  if (!answer.ok) throw await refused(answer)
  return (await answer.json()) as T
}

function search(query: Query): string {
  const set = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') set.set(name, String(value))
  }
  const text = set.toString()
  return text ? `?${text}` : ''
}
