/** Fails when what a browser has to load weighs more than it may: gzipped, as a server sends it. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const dist = fileURLToPath(new URL('../dist/central-dashboard/', import.meta.url))
const MOST = { first: 220, further: 60, css: 40, fonts: 33 }
/** What is open when somebody opens the dashboard: the shell, the words, and the first page. */
const FIRST = 'src/pages/fleet/index.tsx'
const WORDS = 'src/i18n/fr.ts'

const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, 'utf8'))
const weight = (file) => gzipSync(readFileSync(dist + file)).length / 1000
const entry = Object.keys(manifest).find((name) => manifest[name].isEntry)

/** All chunks that must be there before this one runs. */
function needs(name, found = new Set()) {
  if (found.has(name)) return found
  found.add(name)
  for (const one of manifest[name].imports ?? []) needs(one, found)
  return found
}

const sum = (names, files) => [...new Set([...names].flatMap(files))].reduce((total, file) => total + weight(file), 0)
const scripts = (name) => (manifest[name].file.endsWith('.js') ? [manifest[name].file] : [])
const styles = (name) => manifest[name].css ?? []
const base = new Set([...needs(entry), ...needs(WORDS)])
const first = new Set([...base, ...needs(FIRST)])
const lines = [
  ['first route, JavaScript', sum(first, scripts), MOST.first],
  ['all styles', sum(Object.keys(manifest), (name) => [...styles(name), ...(manifest[name].file.endsWith('.css') ? [manifest[name].file] : [])]), MOST.css],
  ['fonts', readdirSync(`${dist}assets`).filter((file) => file.endsWith('.woff2')).reduce((total, file) => total + readFileSync(`${dist}assets/${file}`).length / 1000, 0), MOST.fonts],
]
for (const name of Object.keys(manifest).filter((one) => manifest[one].isDynamicEntry && !one.includes('/i18n/'))) {
  const own = [...needs(name)].filter((one) => !base.has(one))
  lines.push([name.replace('src/', ''), sum(own, scripts), MOST.further])
}
let tooMuch = false
for (const [what, kilobytes, most] of lines) {
  const over = kilobytes > most
  tooMuch ||= over
  console.log(`${over ? 'TOO MUCH' : 'ok      '} ${kilobytes.toFixed(1).padStart(7)} of ${most} kB  ${what}`)
}
if (tooMuch) process.exit(1)
