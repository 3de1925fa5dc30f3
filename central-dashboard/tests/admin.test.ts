import { afterEach, describe, expect, it, test, vi } from 'vitest'
import type { Account, Agency, CheckState, Finding } from '../src/api/admin'
import type { Role } from '../src/api/types'
import { mayRule, pagesFor, seesFleet } from '../src/app/pages'
import { filters } from '../src/app/search'
import { learn, speak, words } from '../src/i18n/words'
import { changesOf as agencyChanges, narrowed, sorted } from '../src/pages/admin/agencies/agency'
import { linesOf, parted } from '../src/pages/admin/audit/change'
import { actionIn, placeOf, valueIn } from '../src/pages/admin/audit/names'
import { asked, dayAgo, isNarrowed } from '../src/pages/admin/audit/period'
import { grouped, worthMending } from '../src/pages/admin/doctor/finding'
import { byRole, daysIn, isSame, newlyOwing, owing } from '../src/pages/admin/security/concerned'
import { changesOf, contentOf, factorOf, lacking, standingOf } from '../src/pages/admin/users/account'

const account = (given: Partial<Account>): Account =>
  ({ id: 'a', email: 'lea@club.fr', full_name: 'Léa', role: 'operator', status: 'active', mfa_enabled: false, invited: false, has_logged_in: true, agency_id: null, sponsor_id: null, ...given }) as Account

describe('the menu', () => {
  const names = (role: Role) => pagesFor(role).map((page) => page.path)
  it('has administration for those who administrate', () => {
    expect(names('admin')).toEqual(expect.arrayContaining(['/admin/users', '/admin/agencies', '/admin/audit', '/admin/security']))
    for (const role of ['operator', 'viewer'] as const) expect(names(role).filter((path) => path.startsWith('/admin'))).toEqual([])
  })
  it('has the diagnosis for a super admin alone', () => {
    expect(names('super_admin')).toContain('/admin/doctor')
    expect(names('admin')).not.toContain('/admin/doctor')
  })
  it.each(['agency', 'sponsor'] as const)('has no page of the fleet for %s', (role) => {
    expect(names(role)).toEqual([])
    expect(seesFleet(role)).toBe(false)
  })
  it('lets nobody but a super admin rule', () => {
    expect((['super_admin', 'admin', 'operator', 'viewer', 'agency', 'sponsor'] as const).filter(mayRule)).toEqual(['super_admin'])
  })
  it('gives every page its own keys', () => {
    const keys = pagesFor('super_admin').map((page) => page.key)
    expect(new Set(keys).size).toBe(keys.length)
  })
})

describe('an account', () => {
  it('is invited until its person has taken it up, and suspended before anything else', () => {
    expect(standingOf(account({ invited: true, has_logged_in: false }))).toBe('invited')
    expect(standingOf(account({ invited: false, has_logged_in: true }))).toBe('active')
    expect(standingOf(account({ invited: true, has_logged_in: false, status: 'suspended' }))).toBe('suspended')
  })
  it('owes a second factor only where its role has to have one', () => {
    expect(factorOf(account({}), ['operator'])).toBe('due')
    expect(factorOf(account({}), ['admin'])).toBe('off')
    expect(factorOf(account({ mfa_enabled: true }), ['operator'])).toBe('on')
  })
  it('takes its role and what it belongs to together', () => {
    const content = { ...contentOf(account({ role: 'agency', agency_id: 'x' })), role: 'sponsor', tenant: 'y' }
    expect(changesOf(content, ['role'])).toEqual({ role: 'sponsor', agency_id: null, sponsor_id: 'y' })
    expect(changesOf(content, ['email'])).toEqual({ email: 'lea@club.fr' })
    expect(changesOf({ ...content, role: 'viewer' }, ['tenant'])).toEqual({ role: 'viewer', agency_id: null, sponsor_id: null })
  })
  it('says what is missing before the server is asked', () => {
    const empty = { full_name: '', email: 'lea', role: 'agency', tenant: '' }
    expect(lacking(empty)).toEqual({ full_name: 'missing', email: 'wrong', tenant: 'missing' })
    expect(lacking(contentOf(account({})))).toEqual({})
  })
})

describe('findings', () => {
  const finding = (group: Finding['group'], state: CheckState) => ({ id: `${group}.x`, group, state }) as Finding
  const all = [finding('database', 'ok'), finding('mail', 'error'), finding('database', 'warning'), finding('redis', 'not_checked')]
  it('stand together by what they are about, in the order in which they came', () => {
    expect(grouped(all).map(([group, own]) => [group, own.length])).toEqual([['database', 2], ['mail', 1], ['redis', 1]])
    expect(grouped(all, 'warning').map(([group]) => group)).toEqual(['database'])
    expect(grouped([], 'error')).toEqual([])
  })
  it('ask somebody to do something when they are errors or warnings', () => {
    expect(worthMending(all)).toBe(2)
  })
})

describe('agencies', () => {
  const agency = (name: string, site_count: number, contact_name = ''): Agency => ({ id: name, name, site_count, contact_name, status: 'active', created_at: '2026-01-01', updated_at: '2026-01-01', metadata: {} })
  const all = [agency('Ouest', 9), agency('Élan', 10, 'Zoé'), agency('Armor', 0)]
  const names = (list: Agency[] | undefined) => list?.map((one) => one.name)
  const compare = (a: string, b: string) => a.localeCompare(b, 'fr')
  it('are ordered by how many clubs they see, as numbers', () => {
    expect(names(sorted(all, 'site_count', 'desc', compare))).toEqual(['Élan', 'Ouest', 'Armor'])
    expect(names(sorted(all, undefined, undefined, compare))).toEqual(['Armor', 'Élan', 'Ouest'])
  })
  it('are found by name and contact, whatever the accents', () => {
    expect(names(narrowed(all, 'elan', undefined))).toEqual(['Élan'])
    expect(names(narrowed(all, 'ZOE', undefined))).toEqual(['Élan'])
    expect(names(narrowed(all, undefined, 'suspended'))).toEqual([])
  })
  it('lose what was emptied', () => expect(agencyChanges({ name: 'A', contact_phone: '' })).toEqual({ name: 'A', contact_phone: null }))
})

describe('the journal', () => {
  it('asks for whole days where the reader is', () => {
    const { startDate, endDate } = asked({ from: '2026-11-01', to: '2026-11-30' } as never)
    expect([new Date(String(startDate)).getHours(), new Date(String(startDate)).getDate()]).toEqual([0, 1])
    const end = new Date(String(endDate))
    expect([end.getDate(), end.getHours(), end.getMinutes(), end.getMilliseconds()]).toEqual([30, 23, 59, 999])
  })
  it('counts days back over the end of a month', () => {
    expect(dayAgo(6, new Date(2026, 2, 3, 9))).toBe('2026-02-25')
    expect(dayAgo(0, new Date(2026, 10, 26, 0, 1))).toBe('2026-11-26')
  })
  it('is narrowed by filters, not by its page', () => {
    expect(isNarrowed(filters.audit({ page: '3' }))).toBe(false)
    expect(isNarrowed(filters.audit({ from: '2026-11-01' }))).toBe(true)
  })
  it.each([
    ['from', '2026-02-30'],
    ['to', '26/11/2026'],
    ['page', '0'],
    ['page', '-1'],
    ['userId', 'me'],
  ])('leaves out of its address what the server refuses: %s=%s', (name, value) => expect(filters.audit({ [name]: value })).toEqual({}))

  it('shows what differs, deep fields with the way to them', () => {
    const before = { name: 'A', location: { city: 'Vitré', region: 'Bretagne' }, sports: ['hand'] }
    const after = { name: 'A', location: { city: 'Rennes', region: 'Bretagne' }, sports: ['hand', 'futsal'] }
    expect(linesOf(before, after)).toEqual([
      { field: 'location.city', before: 'Vitré', after: 'Rennes' },
      { field: 'sports', before: 'hand', after: 'hand, futsal' },
    ])
  })
  it('shows all of what was made or went, and that a secret changed', () => {
    expect(linesOf(undefined, { role: 'viewer' })).toEqual([{ field: 'role', before: undefined, after: 'viewer' }])
    expect(linesOf({ password: '•••' }, { password: '•••' })).toHaveLength(1)
    expect(linesOf(null, 'text')).toEqual([])
  })
  it('takes states that stand among what else is said for states', () => {
    const entry = { before: null, after: undefined, details: { before: { role: 'viewer' }, after: { role: 'admin' }, why: 'x' } }
    expect(parted(entry)).toEqual({ before: { role: 'viewer' }, after: { role: 'admin' }, said: [['why', 'x']] })
    expect(parted({ before: { a: 1 }, after: null, details: null })).toMatchObject({ before: { a: 1 }, said: [] })
  })
  it('leads to what has a page', () => {
    expect(placeOf('site', 'x')).toBe('/sites/x/apercu')
    expect(placeOf('session', 'x')).toBeUndefined()
    expect(placeOf('site', null)).toBeUndefined()
  })
})

describe('the rule of second factors', () => {
  const people = [account({ id: 'a', role: 'admin' }), account({ id: 'b', role: 'admin', mfa_enabled: true }), account({ id: 'c' }), account({ id: 'd', status: 'suspended' })]
  const counts = byRole(people, ['admin', 'operator', 'viewer'])
  it('concerns those who may log in and have none', () => {
    expect(counts.map(({ total, without }) => [total, without.length])).toEqual([
      [2, 1],
      [1, 1],
      [0, 0],
    ])
    expect(owing(counts, ['admin', 'operator'])).toBe(2)
  })
  it('asks something new only of roles that are new in it', () => {
    expect(newlyOwing(counts, ['admin'], ['admin', 'operator'])).toBe(1)
    expect(newlyOwing(counts, ['admin', 'operator'], ['operator'])).toBe(0)
  })
  test.each([
    ['14', 14],
    ['0', 0],
    ['90', 90],
    ['91', undefined],
    ['', undefined],
    ['1.5', undefined],
    ['-1', undefined],
  ])('%j days are %s', (text, days) => expect(daysIn(text)).toBe(days))
  it('is the same whatever the order of its roles', () => {
    const rule = (mfa_required_roles: Role[], mfa_grace_days = 14) => ({ mfa_required_roles, mfa_grace_days })
    expect(isSame(rule(['admin', 'viewer']), rule(['viewer', 'admin']))).toBe(true)
    expect(isSame(rule(['admin']), rule(['viewer']))).toBe(false)
    expect(isSame(rule(['admin']), rule(['admin'], 7))).toBe(false)
  })
})

describe('the words of pages that are opened rarely', () => {
  afterEach(() => vi.unstubAllGlobals())
  it('come with these pages, and in every language from then on', async () => {
    vi.stubGlobal('document', { documentElement: {} })
    await speak('fr', false)
    expect(words().has('users.create')).toBe(false)
    const french = words()
    await learn('admin')
    expect([words() === french, words().t('users.create')]).toEqual([true, 'Ajouter une personne'])
    expect(actionIn(words(), 'USER_LOGIN')).toBe('Connexion')
    expect(actionIn(words(), 'SOMETHING_NEW')).toBe('SOMETHING_NEW')
    expect([valueIn(words(), 'role', 'viewer'), valueIn(words(), 'reason', 'password'), valueIn(words(), 'name', 'viewer')]).toEqual(['Lecture seule', 'mot de passe faux', 'viewer'])
    await speak('es', false)
    expect(words().t('users.create')).toBe('Añadir una persona')
  })
})
