import { describe, expect, it } from 'vitest'
import { backupCode, challengeIsOver, isWhole, onlyDigits, wrongCode } from '../src/account/code'
import { strengthOf } from '../src/account/strength'
import { Refused } from '../src/api/errors'
import { filters } from '../src/app/search'
import { scopesFor } from '../src/pages/profile/scopes'

describe('how hard a password is to guess', () => {
  it.each([
    ['court', 'short'],
    ['éééèèèà', 'short'],
    ['aaaaaaaaaaaa', 'weak'],
    ['123456789', 'weak'],
    ['azertyuiop', 'weak'],
    ['qwertyuiop123456', 'weak'],
    ['abcdefghijklm', 'weak'],
    ['gymnase35', 'weak'],
    ['Gymnase-35', 'fair'],
    ['gymnase bleu', 'good'],
    ['cheval agrafe piscine', 'strong'],
  ])('%s is %s', (password, strength) => expect(strengthOf(password)).toBe(strength))

  it('counts for nothing what everybody knows of the person', () => {
    const known = ['lea.morvan@club-vitre.fr', 'Léa Morvan']
    expect(strengthOf('morvan-vitre35', known)).toBe('weak')
    expect(strengthOf('morvan-vitre35')).not.toBe('weak')
  })
})

describe('a code', () => {
  it.each([
    ['123456', '123456'],
    [' 123 456 ', '123456'],
    ['Code : 123-456.', '123456'],
    ['1234567', '123456'],
  ])('is taken out of "%s"', (typed, code) => expect(onlyDigits(typed)).toBe(code))

  it.each([
    ['abcd1234', 'ABCD-1234'],
    ['ABCD-1234', 'ABCD-1234'],
    [' abcd 1234 ', 'ABCD-1234'],
    ['abc', 'ABC'],
    ['abcd-', 'ABCD'],
  ])('of backup is "%s" as %s', (typed, code) => expect(backupCode(typed)).toBe(code))

  it('is asked about when it is whole', () => {
    expect(isWhole('12345', 'app')).toBe(false)
    expect(isWhole('123456', 'app')).toBe(true)
    expect(isWhole('ABCD-123', 'backup')).toBe(false)
    expect(isWhole('ABCD-1234', 'backup')).toBe(true)
  })

  it('that is wrong is another thing than a step that is over', () => {
    const wrong = new Refused(401, { code: 'code_wrong' })
    const over = new Refused(401, { code: 'challenge_over' })
    expect([wrongCode(wrong), challengeIsOver(wrong)]).toEqual([true, false])
    expect([wrongCode(over), challengeIsOver(over)]).toEqual([false, true])
    const details = [{ field: 'code', message: 'Ce code est faux.', code: 'wrong' }]
    expect(wrongCode(new Refused(400, { code: 'invalid', details }))).toBe(true)
    expect(wrongCode(new Refused(503, { code: 'unavailable' }))).toBe(false)
  })
})

describe('an API token', () => {
  it('is never offered more than its person may do', () => {
    expect(scopesFor('viewer')).toEqual(['read'])
    expect(scopesFor('sponsor')).toEqual(['read'])
    expect(scopesFor('operator')).toEqual(['read', 'sites:write', 'content:write', 'commands:write'])
    expect(scopesFor('admin')).toContain('audit:read')
  })
})

describe('the token of a link', () => {
  it('is kept as it is, also where it looks like a number', () => {
    expect(filters.link({ token: 'aZ-_9' })).toEqual({ token: 'aZ-_9' })
    expect(filters.link({ token: 77, evil: 'x' })).toEqual({ token: '77' })
    expect(filters.link({ token: 'x'.repeat(201) })).toEqual({})
  })
})
