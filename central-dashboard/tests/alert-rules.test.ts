import { describe, expect, it } from 'vitest'
import type { AlertRules } from '~/api/admin'
import { FIELDS, numberIn, RANGES, rulesIn, textsOf, wrongIn } from '~/pages/admin/alertrules/rules'

const rules: AlertRules = {
  offline_minutes: 5,
  offline_critical_minutes: 60,
  temperature_warning: 75.5,
  temperature_critical: 80,
  disk_warning: 90,
  disk_critical: 95,
  memory_warning: 90,
  minutes_between: 15,
  repeat_hours: 24,
  mails_per_day: 80,
  weekly_summary: true,
  language: 'fr',
}

describe('the settings of alerts', () => {
  it('are the same when nothing was typed, in each language', () => {
    for (const language of ['fr', 'en', 'es']) expect(rulesIn(textsOf(rules, language))).toEqual(rules)
    expect(textsOf(rules, 'fr').temperature_warning).toBe('75,5')
    expect(textsOf(rules, 'en').temperature_warning).toBe('75.5')
  })

  it('are numbers that the server takes', () => {
    for (const field of FIELDS) {
      const { least, most, decimals } = RANGES[field]
      for (const good of [least, most]) expect(numberIn(field, ` ${good} `), field).toBe(good)
      for (const wrong of ['', '-1', '1e2', 'x', String(most + 1), ...(least > 0 ? [String(least - 1)] : [])]) {
        expect(numberIn(field, wrong), `${field} ${wrong}`).toBeUndefined()
      }
      expect(numberIn(field, '50,25'), field).toBe(decimals ? 50.25 : undefined)
      expect(numberIn(field, '50.255'), field).toBeUndefined()
    }
  })

  it('are critical no earlier than they are worth a warning', () => {
    const texts = textsOf(rules, 'fr')
    expect(FIELDS.filter((field) => wrongIn(field, texts))).toEqual([])
    expect(wrongIn('temperature_critical', { ...texts, temperature_critical: '75' })).toBe('below')
    expect(wrongIn('temperature_critical', { ...texts, temperature_critical: '75,5' })).toBeUndefined()
    expect(wrongIn('offline_critical_minutes', { ...texts, offline_minutes: '61' })).toBe('below')
    // Which of two is wrong is not said twice.
    expect(wrongIn('offline_critical_minutes', { ...texts, offline_minutes: 'x' })).toBeUndefined()
  })
})
