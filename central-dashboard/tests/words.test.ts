import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
// @ts-expect-error: a script without types
import { compare, scan, uses } from '../scripts/words.mjs'
import { Words } from '../src/i18n/words'

const problems = (source: string, keys: string[] = []) => uses([scan('page.tsx', source)], new Set(keys)) as string[]

describe('the search for words outside of the catalogs', () => {
  it.each([
    ['text in the markup', 'const a = <p>Bonjour</p>'],
    ['a text in braces', "const a = <p>{'Bonjour'}</p>"],
    ['one side of a condition', "const a = <p>{late ? 'en retard' : t('a.b')}</p>"],
    ['what stands behind &&', "const a = <p>{late && 'en retard'}</p>"],
    ['a template', 'const a = <p>{`${count} clubs`}</p>'],
    ['a label', 'const a = <button aria-label="Fermer" />'],
    ['a property of ours', 'const a = <Panel title="Sites" />'],
    ['a column', "const column = { id: 'a', header: 'Ville' }"],
    ['a toast', "toast({ kind: 'success', text: `Club ${name} créé` })"],
  ])('finds %s', (_, source) => {
    expect(problems(source, ['a.b']).filter((one) => one.startsWith('a literal'))).toHaveLength(1)
  })

  it('leaves names, numbers and keys alone', () => {
    expect(problems("const a = <p className=\"card\" title={t('a.b')}>{'·'} {count}</p>", ['a.b'])).toEqual([])
    expect(problems("const page = { name: 'a.b', label: 'a.b' }", ['a.b'])).toEqual([])
  })

  it('finds a key that is in no catalog, and one that is used nowhere', () => {
    expect(problems("t('a.b'); rich('a.c', {}); t(on ? 'a.d' : 'a.e')", ['a.b', 'a.d', 'a.f'])).toEqual([
      'the key a.c at page.tsx:1 is in no catalog',
      'the key a.e at page.tsx:1 is in no catalog',
      'the key a.f is used nowhere',
    ])
  })

  it('takes the beginning of a key that is put together for all keys that begin so', () => {
    expect(problems('t(`a.state.${state}`)', ['a.state.on', 'a.state.off'])).toEqual([])
  })
})

describe('the comparison of the catalogs', () => {
  it('is content with equal keys and values', () => {
    const fr = { 'a.b': 'Bonjour {name}', 'a.c': '{n, plural, one {#} many {#} other {#}} <b>x</b>' }
    const en = { 'a.b': 'Hello {name}', 'a.c': '<b>x</b> {n, plural, one {#} other {#}}' }
    expect(compare({ fr, en, es: fr })).toEqual([])
  })

  it.each([
    ['a missing key', {}, 'missing'],
    ['another value', { 'a.b': 'Hello {nom}' }, 'other values'],
    ['a missing element', { 'a.b': 'Hello name' }, 'other values'],
    ['a message that cannot be read', { 'a.b': 'Hello {name' }, 'cannot be read'],
    ['a letter that the font lacks', { 'a.b': 'Hello\u202f{name}' }, 'font'],
  ])('finds %s', (_, en, word) => {
    const fr = { 'a.b': 'Bonjour {name}' }
    expect((compare({ fr, en, es: fr }) as string[]).join('\n')).toContain(word)
  })

  it('finds a plural without millions', () => {
    const fr = { 'a.b': '{n, plural, one {#} other {#}} clubs' }
    expect(compare({ fr })).toEqual(['fr: a.b lacks the plural many'])
  })
})

describe('the words', () => {
  const fr = new Words('fr', { 'a.b': '{n, plural, =0 {Rien pour « {name} » ?} one {# club : {name}} many {#} other {# clubs}}' })

  it('keep French signs with their words, and count as each language does', () => {
    expect(fr.t('a.b', { n: 0, name: 'x' })).toBe('Rien pour «\u00a0x\u00a0»\u00a0?')
    expect(fr.t('a.b', { n: 1, name: 'x' })).toBe('1 club\u00a0: x')
    expect(fr.t('a.b', { n: 12_000, name: 'x' })).toBe('12\u00a0000 clubs')
  })

  it('put elements in', () => {
    const words = new Words('en', { 'a.b': 'Type <b>{word}</b> : now' })
    const said = renderToStaticMarkup(words.rich('a.b', { word: 'x', b: (parts) => createElement('b', null, parts) }))
    expect(said).toBe('Type <b>x</b> : now')
  })
})
