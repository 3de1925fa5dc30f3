/**
 * Finds words that are not in the catalogs: literals in the markup, keys that nobody defined, keys that nobody uses,
 * languages that lack a key or want other values for it.
 */
import { parse, TYPE } from '@formatjs/icu-messageformat-parser'
import ts from 'typescript'

/** Attributes that people read or hear. */
const READ = new Set([
  'label',
  'title',
  'placeholder',
  'aria-label',
  'aria-description',
  'aria-roledescription',
  'aria-valuetext',
  'description',
  'alt',
  'caption',
  'empty',
  'hint',
  'note',
  'header',
  'act',
  'crumb',
  'document',
  'none',
  'reason',
  'text',
  'sentence',
])

const KEY = /^[a-z]+(\.[a-z0-9_]+)+$/i

/** What one file says by itself, and which keys it uses. `prefixes` are the beginnings of keys that are put together. */
export function scan(name, text) {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TSX)
  const found = { literals: [], keys: new Set(), prefixes: new Set(), calls: new Set() }
  const at = (node) => `${name}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
  const literal = (node, words) => {
    if (/\p{L}/u.test(words)) found.literals.push(`${at(node)}: ${words.trim().slice(0, 60)}`)
  }
  const visit = (node) => {
    if (ts.isJsxText(node)) literal(node, node.text)
    if (ts.isJsxAttribute(node) && READ.has(node.name.getText())) shown(node.initializer, literal)
    if (ts.isJsxExpression(node) && isChild(node) && node.expression) shown(node.expression, literal)
    if (ts.isPropertyAssignment(node) && READ.has(nameOf(node.name))) shown(node.initializer, literal)
    if (ts.isStringLiteralLike(node) && KEY.test(node.text)) found.keys.add(node.text)
    if (ts.isTemplateExpression(node) && /^[a-z]+\.([a-z0-9_]+\.)*$/i.test(node.head.text)) found.prefixes.add(node.head.text)
    call(node, found, at)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

const isChild = (node) => ts.isJsxElement(node.parent) || ts.isJsxFragment(node.parent)
const nameOf = (name) => (ts.isIdentifier(name) || ts.isStringLiteral(name) ? name.text : '')

/** Texts that an expression can become, where it stands for people to read. Keys are no such texts. */
function shown(node, literal) {
  if (!node) return
  if (ts.isJsxExpression(node)) return shown(node.expression, literal)
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return shown(node.expression, literal)
  if (ts.isConditionalExpression(node)) {
    shown(node.whenTrue, literal)
    return shown(node.whenFalse, literal)
  }
  if (ts.isBinaryExpression(node)) {
    shown(node.left, literal)
    return shown(node.right, literal)
  }
  if (ts.isStringLiteralLike(node) && !KEY.test(node.text)) literal(node, node.text)
  if (ts.isTemplateExpression(node)) {
    const parts = [node.head.text, ...node.templateSpans.map((span) => span.literal.text)]
    if (!/^[a-z]+\.$/i.test(node.head.text)) literal(node, parts.join(' '))
  }
}

/** `t('key')` and `rich('key')` must name a key: a word of its own there would be shown as it is. */
function call(node, found, at) {
  if (!ts.isCallExpression(node)) return
  const callee = ts.isPropertyAccessExpression(node.expression) ? node.expression.name.text : node.expression.getText()
  if (callee !== 't' && callee !== 'rich') return
  for (const key of keysOf(node.arguments[0])) found.calls.add(`${key}\u0000${at(node)}`)
}

function keysOf(node) {
  if (!node) return []
  if (ts.isConditionalExpression(node)) return [...keysOf(node.whenTrue), ...keysOf(node.whenFalse)]
  return ts.isStringLiteralLike(node) ? [node.text] : []
}

/** The values that a message wants, with their kinds; or why it cannot be read. */
export function argumentsOf(message) {
  const found = new Set()
  const walk = (parts) => {
    for (const part of parts) {
      if (part.type === TYPE.argument) found.add(`${part.value}`)
      if (part.type === TYPE.number || part.type === TYPE.date || part.type === TYPE.time) found.add(part.value)
      if (part.type === TYPE.tag) {
        found.add(`<${part.value}>`)
        walk(part.children)
      }
      if (part.type === TYPE.select || part.type === TYPE.plural) {
        found.add(part.value)
        for (const option of Object.values(part.options)) walk(option.value)
      }
    }
  }
  walk(parse(message))
  return [...found].sort()
}

/** Plural words that a language needs: `many` are millions. */
const NEEDED = { fr: ['one', 'many', 'other'], en: ['one', 'other'], es: ['one', 'many', 'other'] }

function pluralsOf(message) {
  const found = []
  const walk = (parts) => {
    for (const part of parts) {
      if (part.type === TYPE.plural) found.push(Object.keys(part.options))
      if (part.options) for (const option of Object.values(part.options)) walk(option.value)
      if (part.children) walk(part.children)
    }
  }
  walk(parse(message))
  return found
}

/** Compares the catalogs with each other. `catalogs` is `{ fr: { key: message }, … }`. */
export function compare(catalogs) {
  const problems = []
  const all = new Set(Object.values(catalogs).flatMap(Object.keys))
  for (const key of all) {
    const wanted = new Map()
    for (const [language, words] of Object.entries(catalogs)) {
      const message = words[key]
      if (message === undefined) {
        problems.push(`${language}: ${key} is missing`)
        continue
      }
      try {
        wanted.set(language, argumentsOf(message).join(', '))
        for (const options of pluralsOf(message)) {
          const lacking = NEEDED[language].filter((word) => !options.includes(word))
          if (lacking.length > 0) problems.push(`${language}: ${key} lacks the plural ${lacking.join(', ')}`)
        }
      } catch (error) {
        problems.push(`${language}: ${key} cannot be read: ${error.message}`)
      }
      if (/[\u202f→←]/.test(message)) problems.push(`${language}: ${key} has a letter that the font lacks`)
    }
    if (new Set(wanted.values()).size > 1) problems.push(`${key} wants other values: ${JSON.stringify([...wanted])}`)
  }
  return problems
}

/** Compares what files use with what the catalogs have. */
export function uses(scans, keys) {
  const problems = []
  const used = new Set()
  for (const { literals, calls, keys: mentioned, prefixes } of scans) {
    for (const one of literals) problems.push(`a literal at ${one}`)
    for (const one of calls) {
      const [key, place] = one.split('\u0000')
      if (!keys.has(key)) problems.push(`the key ${key} at ${place} is in no catalog`)
    }
    for (const key of mentioned) used.add(key)
    for (const prefix of prefixes) {
      const own = [...keys].filter((key) => key.startsWith(prefix))
      for (const key of own) used.add(key)
    }
  }
  for (const key of keys) if (!used.has(key)) problems.push(`the key ${key} is used nowhere`)
  return problems
}
