/** The words of the chosen language: one lazily loaded catalog, ICU messages, and the way to ask for one. */
import { IntlMessageFormat } from 'intl-messageformat'
import { createContext, use, useSyncExternalStore, type ReactNode } from 'react'
import { formats, type Formats } from './formats'

export const LANGUAGES = ['fr', 'en', 'es'] as const
export type Language = (typeof LANGUAGES)[number]
type Catalog = Record<string, string>
type Plain = string | number | Date | null | undefined
export type Values = Record<string, Plain>
export type RichValues = Record<string, Plain | ReactNode | ((parts: ReactNode[]) => ReactNode)>

/** What numbers and dates look like: British for English. */
export const LOCALE: Record<Language, string> = { fr: 'fr-FR', en: 'en-GB', es: 'es-ES' }

const load: Record<Language, () => Promise<{ default: Catalog }>> = {
  fr: () => import('./fr'),
  en: () => import('./en'),
  es: () => import('./es'),
}

/** Words that come with their pages: what stands on the first one is in the catalog above. */
const further = {
  admin: {
    fr: () => import('~/pages/admin/fr'),
    en: () => import('~/pages/admin/en'),
    es: () => import('~/pages/admin/es'),
  },
} satisfies Record<string, Record<Language, () => Promise<{ default: Catalog }>>>
export type Part = keyof typeof further

/** The parts that were asked for: every language that is spoken from then on has them. */
const wanted = new Set<Part>()

/** Says words in one language. */
export class Words {
  readonly #parsed = new Map<string, IntlMessageFormat>()
  /** What of the rarely opened pages is in the catalog. */
  readonly parts = new Set<Part>()
  readonly formats: Formats

  constructor(
    readonly language: Language,
    readonly catalog: Catalog,
  ) {
    this.formats = formats(LOCALE[language])
  }

  /** The sentence of a key, with its values put in. */
  t = (key: string, values?: Values): string => {
    const said = this.#message(key).format(values as Record<string, Plain>)
    return plainSpaces(Array.isArray(said) ? said.join('') : String(said))
  }

  /** The same with elements in it: `<b>…</b>` in the message calls the value `b`. */
  rich = (key: string, values: RichValues): ReactNode => {
    const said = this.#message(key).format<ReactNode>(values as Record<string, ReactNode>)
    return Array.isArray(said) ? said.map((part, at) => <Part key={at}>{part}</Part>) : said
  }

  /** Whether there is such a key: for words of the server that may be newer than this page. */
  has = (key: string): boolean => key in this.catalog

  #message(key: string): IntlMessageFormat {
    let message = this.#parsed.get(key)
    if (!message) {
      const text = this.catalog[key] ?? key
      message = new IntlMessageFormat(unbroken(this.language === 'fr' ? french(text) : text), LOCALE[this.language])
      this.#parsed.set(key, message)
    }
    return message
  }
}

function Part({ children }: { children: ReactNode }): ReactNode {
  return typeof children === 'string' ? plainSpaces(children) : children
}

/** French puts a space before some signs, at which no line may end: catalogs are written with plain ones. */
export function french(text: string): string {
  return text.replace(/ (?=[:;!?»%])/g, '\u00a0').replace(/« /g, '«\u00a0')
}

/** A number and its unit stay on one line. */
export function unbroken(text: string): string {
  return text.replace(/(\d) (?=(?:h|min|s|px|Mo|Go|ko|MB|GB|kB)\b)/g, '$1\u00a0')
}

/** The font has no narrow no-break space: its wide sister stands in. */
export function plainSpaces(text: string): string {
  return text.replaceAll('\u202f', '\u00a0')
}

const KEY = 'neopro.language'
let current: Words | undefined
const listeners = new Set<() => void>()

/** The language that was chosen, else the browser's, else French. */
export function preferredLanguage(): Language {
  const wanted = [readChoice(), ...navigator.languages]
  for (const one of wanted) {
    const match = LANGUAGES.find((language) => one?.toLowerCase().startsWith(language))
    if (match) return match
  }
  return 'fr'
}

function readChoice(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

/** Loads a language and shows everything in it. */
export async function speak(language: Language, remember = true): Promise<void> {
  const { default: catalog } = await load[language]()
  const next = new Words(language, { ...catalog })
  await complete(next)
  current = next
  document.documentElement.lang = language
  if (remember) {
    try {
      localStorage.setItem(KEY, language)
    } catch {
      // Storage is off: the choice lasts as long as the page.
    }
  }
  for (const tell of listeners) tell()
}

/** Loads the words of pages that are opened rarely, before they are drawn. */
export async function learn(part: Part): Promise<void> {
  wanted.add(part)
  let now: Words
  do {
    now = words()
    await complete(now)
    // Another language may have been chosen while these came.
  } while (now !== words())
}

/** Adds what was asked for, even what is asked for meanwhile. */
async function complete(to: Words): Promise<void> {
  for (const part of wanted) {
    if (to.parts.has(part)) continue
    const { default: catalog } = await further[part][to.language]()
    Object.assign(to.catalog, catalog)
    to.parts.add(part)
  }
}

/** The words as they are now, outside of components. */
export function words(): Words {
  if (!current) throw new Error('no language is loaded yet')
  return current
}

const Context = createContext<Words | null>(null)

export function WordsProvider({ children }: { children: ReactNode }) {
  const now = useSyncExternalStore(listen, words)
  return <Context value={now}>{children}</Context>
}

function listen(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

/** The words, in a component: `const { t, rich, formats } = useWords()`. */
export function useWords(): Words {
  const found = use(Context)
  if (!found) throw new Error('no words here')
  return found
}
