import { describe, expect, it } from 'vitest'
import { FIELDS, isShorter, numbersIn, RANGES, textsOf, valuesIn } from '~/pages/admin/security/keeping'

const kept = {
  five_minutes_days: 30,
  hours_months: 13,
  plays_days: 90,
  commands_days: 90,
  deployments_months: 13,
  database_limit_mb: 500,
}

describe('the times for which things are kept', () => {
  it('are whole numbers within what the server takes', () => {
    expect(numbersIn(textsOf(kept))).toEqual(kept)
    for (const field of FIELDS) {
      const [least, most] = RANGES[field]
      for (const good of [String(least), ` ${most} `]) expect(numbersIn({ ...textsOf(kept), [field]: good })).toBeDefined()
      for (const wrong of ['', '-1', '1.5', '1e2', 'x', String(most + 1)]) {
        expect(numbersIn({ ...textsOf(kept), [field]: wrong }), `${field} ${wrong}`).toBeUndefined()
      }
      if (least > 0) expect(numbersIn({ ...textsOf(kept), [field]: String(least - 1) })).toBeUndefined()
    }
  })

  it('warn of a time that is shorter, and of no room that is smaller', () => {
    expect(isShorter(kept, { ...kept, plays_days: 91, database_limit_mb: 100 })).toBe(false)
    expect(valuesIn(textsOf(kept))).toEqual(kept)
    expect(valuesIn({ plays_days: ' 91 ' })).toEqual({ plays_days: 91 })
    for (const field of FIELDS.filter((one) => one !== 'database_limit_mb')) {
      expect(isShorter(kept, { ...kept, [field]: kept[field] - 1 }), field).toBe(true)
    }
  })
})
