import { describe, expect, it } from 'vitest'
import { apiOrigin } from '../src/api/address'
import { safeReturn } from '../src/app/return-url'
import { filters } from '../src/app/search'

describe('where the API is', () => {
  it.each([
    ['', 'https://page.example'],
    ['https://api.example', 'https://api.example'],
    ['https://api.example/', 'https://api.example'],
    ['https://api.example/api', 'https://api.example'],
    ['https://api.example/api/', 'https://api.example'],
    [' http://localhost:3001 ', 'http://localhost:3001'],
    ['api.example', 'https://api.example'],
  ])('%s', (given, origin) => expect(apiOrigin(given, 'https://page.example')).toBe(origin))
})

describe('where the login leads', () => {
  it('keeps addresses of ours', () => expect(safeReturn('/sites?sort=city')).toBe('/sites?sort=city'))
  it.each([undefined, '', 'https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)', '/login'])(
    'leads home instead of to %s',
    (wanted) => expect(safeReturn(wanted)).toBe('/dashboard'),
  )
})

describe('filters in an address', () => {
  it('keeps the known ones that are texts', () => {
    expect(filters.sites({ search: '2024', region: '', evil: 'x', sort: ['a'] })).toEqual({ search: '2024' })
  })
  it('keeps what the router reads as a number or a truth as it was typed', () => {
    expect(filters.sites({ search: 77, behind: true, region: null })).toEqual({ search: '77', behind: 'true' })
  })
  it.each([
    ['seen_before', '1'],
    ['seen_before', '2026-11-26'],
    ['seen_before', '2026-02-30T10:00:00Z'],
    ['seen_before', '2026-11-26T24:00:00Z'],
    ['sport', 'x'.repeat(101)],
    ['search', 'a\u0000b'],
    ['group_id', '1'],
    ['behind', 'yes'],
  ])('leaves out what the server refuses: %s=%s', (name, value) => expect(filters.sites({ [name]: value })).toEqual({}))
  it.each([
    ['seen_before', '2026-11-25T02:03:00.000Z'],
    ['seen_before', '2028-02-29T10:00+01:00'],
    ['region', 'é'.repeat(255)],
    ['search', ' élan '],
  ])('keeps what it takes: %s=%s', (name, value) => expect(filters.sites({ [name]: value })).toEqual({ [name]: value }))
})
