/**
 * A plugin of the build: what a static host needs of it. The address of the API is judged while somebody looks at the
 * build's log, the page gets the policy that no such host sends, and `health.json` says what was built.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Plugin } from 'vite'
import { apiOrigin, isLocal } from '../src/api/address.ts'

type Environment = Record<string, string | undefined>

export interface Judged {
  /** Where the API is, or nothing: where the pages come from. */
  origin: string
  /** What is probably wrong, a sentence each. */
  warnings: string[]
  /** What can never work. */
  error?: string
}

const STEP = '(étape 7.3 du guide)'
const NAME = 'NG_APP_API_URL'

/** What static hosts say of themselves to a build, and where the site will be. */
const HOSTS = ['RENDER', 'NETLIFY', 'VERCEL', 'CF_PAGES']
const OWN = ['RENDER_EXTERNAL_URL', 'RENDER_EXTERNAL_HOSTNAME', 'URL', 'VERCEL_URL', 'CF_PAGES_URL']

/** Reads `NG_APP_API_URL` as the pages will, and says what is wrong with it. */
export function judge(given: string | undefined, environment: Environment = {}): Judged {
  const text = (given ?? '').trim()
  if (text === '') return { origin: '', warnings: HOSTS.some((name) => environment[name]) ? [UNSET] : [] }
  const origin = apiOrigin(text, '')
  const address = addressOf(text, origin)
  if (!address) {
    return {
      origin,
      warnings: [],
      error: `${NAME} : « ${text} » n'est pas une adresse de serveur. Donnez celle de l'étape 6.7, de la forme https://neopro-central-server.onrender.com, sans guillemets ${STEP}.`,
    }
  }
  const own = OWN.flatMap((name) => environment[name] ?? []).map((value) => apiOrigin(value, ''))
  const isOwn = own.some((value) => URL.canParse(value) && new URL(value).host === address.host)
  const found = [
    /^https?:/i.test(text) ? '' : `« ${text} » n'a pas de https:// devant : il a été ajouté`,
    /\/api\/*$/.test(text) ? "« /api » à la fin a été retiré : donnez l'adresse du serveur seule" : '',
    address.pathname === '/' ? '' : `« ${text} » contient un chemin : le serveur ne répond qu'à la racine de son adresse`,
    isLocal(address.hostname)
      ? `« ${text} » désigne l'ordinateur de qui ouvre la page : ailleurs que sur cette machine, le serveur ne sera pas trouvé`
      : '',
    address.protocol === 'http:' && !isLocal(address.hostname)
      ? `« ${text} » est en http: un navigateur refuse d'y accéder depuis une page en https. Mettez https://`
      : '',
    isOwn ? `« ${text} » est l'adresse de ce site : donnez celle du serveur (étape 6.7)` : '',
  ]
  return { origin, warnings: found.filter(Boolean).map((sentence) => `${NAME} : ${sentence} ${STEP}.`) }
}

/** The address, if there is one: a browser's reader finds one in quotes, in other schemes and in whole assignments. */
function addressOf(text: string, origin: string): URL | undefined {
  const otherScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !/^https?:\/\/[^/]/i.test(text)
  if (otherScheme || /^https?:\/*$/i.test(text) || !URL.canParse(origin)) return undefined
  const address = new URL(origin)
  return /^(\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?)$/i.test(address.hostname) ? address : undefined
}

const UNSET = `${NAME} n'est pas définie : ce site chercherait l'API à sa propre adresse et ne la trouverait pas. Ajoutez-la avec l'adresse du serveur, puis relancez la construction ${STEP}.`

/**
 * The policy of a page that comes from a static host. The server sends its own, which knows the storage; a build for it
 * has none. `frame-ancestors` works only as a header: `render.yaml` has it.
 */
export function policy(origin: string, storage: string): string {
  const there = [...new Set(['\'self\'', new URL(origin).origin, storage])].join(' ')
  return [
    "default-src 'none'",
    "script-src 'self'",
    // The components write style elements.
    "style-src 'self' 'unsafe-inline'",
    `img-src ${there} data: blob:`,
    `media-src ${there} blob:`,
    `connect-src ${there}`,
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; ')
}

/** Where videos are kept outside: the address of Supabase's projects, or what `NG_APP_STORAGE_URL` says instead. */
function storageOf(given: string | undefined): string {
  const origin = apiOrigin(given ?? '', 'https://*.supabase.co')
  return URL.canParse(origin) && given?.trim() ? new URL(origin).origin : 'https://*.supabase.co'
}

/** What changes with any source: two builds of the same sources have the same mark. */
function markOf(root: string, ...more: string[]): string {
  const hash = createHash('sha256').update(more.join('\n'))
  const files = ['src', 'public'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  for (const file of [...files, join(root, 'index.html'), join(root, 'package-lock.json')].sort()) {
    hash.update(`\n${relative(root, file)}\n`).update(readFileSync(file))
  }
  return hash.digest('hex').slice(0, 12)
}

/** `environment` holds the variables of the build, `root` is this folder. */
export function host(root: string, environment: Environment): Plugin {
  const { origin, warnings, error } = judge(environment[NAME], environment)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const mark = markOf(root, version, origin)
  return {
    name: 'host',
    config: () => ({
      define: {
        __API__: JSON.stringify(origin),
        __VERSION__: JSON.stringify(version),
        __BUILD__: JSON.stringify(mark),
      },
    }),
    buildStart() {
      if (this.meta.watchMode) return
      if (error) this.error(error)
      for (const warning of warnings) this.warn(warning)
    },
    transformIndexHtml(html) {
      if (!origin) return html
      const content = policy(origin, storageOf(environment['NG_APP_STORAGE_URL']))
      // Behind the encoding, which has to be found within the first kilobyte, and before anything that it is about.
      const after = '<meta charset="utf-8" />'
      if (!html.includes(after)) this.error(`index.html has no ${after}`)
      return html.replace(after, `${after}\n    <meta http-equiv="Content-Security-Policy" content="${content}" />`)
    },
    generateBundle() {
      const said = { status: 'healthy', service: 'neopro-dashboard', type: 'static-site', version, build: mark, api: origin || null }
      this.emitFile({ type: 'asset', fileName: 'health.json', source: `${JSON.stringify(said, null, 2)}\n` })
    },
  }
}
