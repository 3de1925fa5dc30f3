import { describe, expect, it } from 'vitest'
import { formats } from '../src/i18n/formats'

const fr = formats('fr-FR')
const en = formats('en-GB')
const es = formats('es-ES')

describe('formats', () => {
  it('writes numbers without the narrow space that the font lacks', () => {
    expect(fr.number(1284)).toBe('1\u00a0284')
    expect(en.number(1284)).toBe('1,284')
    expect(es.number(12_840)).toBe('12.840')
    expect(fr.percent(0.948)).toBe('94,8\u00a0%')
    expect(en.percent(0.948)).toBe('94.8%')
  })

  it('writes sizes in base 10', () => {
    expect(fr.bytes(0)).toBe('0\u00a0o')
    expect(fr.bytes(38_200_000)).toBe('38\u00a0Mo')
    expect(fr.bytes(6_200_000_000)).toBe('6,2\u00a0Go')
    expect(en.bytes(6_200_000_000)).toBe('6.2\u00a0GB')
    expect(en.bytes(999)).toBe('999\u00a0B')
  })

  it('never rounds up into a thousand of a unit', () => {
    expect(fr.bytes(999_999)).toBe('1\u00a0Mo')
    expect(fr.bytes(999_999_999)).toBe('1\u00a0Go')
  })

  it('writes durations', () => {
    expect([0, 41, 60, 155, 780, 3600, 8040].map(fr.duration)).toEqual(
      ['0 s', '41 s', '1 min', '2 min 35', '13 min', '1 h', '2 h 14'].map((one) => one.replaceAll(' ', '\u00a0')),
    )
    expect([15, 155, 3723].map(fr.clock)).toEqual(['0:15', '2:35', '1:02:03'])
  })

  it('writes ages: relative under a day, then the date', () => {
    const now = Date.parse('2026-11-22T17:42:00Z')
    const before = (seconds: number) => new Date(now - seconds * 1000)
    expect(fr.ago(before(4), now)).toBe('il y a 4\u00a0s')
    for (const just of [0, 0.4, -0.4]) expect(fr.ago(before(just), now)).toBe('il y a 0\u00a0s')
    expect(en.ago(before(125), now)).toMatch(/^2 min.* ago$/)
    expect(es.ago(before(7300), now)).toContain('2')
    expect(fr.ago(before(90_000), now)).toMatch(/^21\/11\/2026 \d\d:\d\d$/)
  })

  it('sorts without accents and with numbers', () => {
    expect(['Élan 10', 'Elan 9', 'Zèbre'].sort(fr.compare)).toEqual(['Elan 9', 'Élan 10', 'Zèbre'])
  })
})
