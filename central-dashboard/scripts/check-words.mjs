import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compare, scan, uses } from './words.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = readdirSync(join(root, 'src'), { recursive: true }).map((file) => join(root, 'src', String(file)))
const problems = []
const catalogs = { fr: {}, en: {}, es: {} }
for (const language of Object.keys(catalogs)) {
  for (const file of files.filter((file) => basename(file) === `${language}.json`)) {
    const words = JSON.parse(readFileSync(file, 'utf8'))
    const folder = basename(dirname(file))
    for (const [key, message] of Object.entries(words)) {
      if (!key.startsWith(`${folder}.`)) problems.push(`${relative(root, file)}: ${key} does not begin with ${folder}.`)
      if (key in catalogs[language]) problems.push(`${relative(root, file)}: ${key} stands in two catalogs`)
      catalogs[language][key] = message
    }
  }
}
const scans = files
  .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'))
  .map((file) => scan(relative(root, file), readFileSync(file, 'utf8')))
problems.push(...compare(catalogs), ...uses(scans, new Set(Object.keys(catalogs.fr))))
for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error(`\n${problems.length} problems with words`)
  process.exit(1)
}
console.log(`${Object.keys(catalogs.fr).length} messages in three languages`)
