import { describe, expect, it } from 'vitest'
import { apiOrigin } from '../src/api/origin'
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
})
