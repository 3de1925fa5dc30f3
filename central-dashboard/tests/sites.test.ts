import { describe, expect, test } from 'vitest'
import { dots } from '../src/pages/fleet/france'
import { curve, latest } from '../src/pages/site/curves'
import { standing, type Item } from '../src/pages/site/drift'
import { placeOf } from '../src/pages/site/place'
import { csv } from '../src/pages/sites/csv'
import { olderThan, standing as states } from '../src/pages/sites/search'
import type { Metrics, SiteStats } from '../src/api/types'

describe('a table for a spreadsheet', () => {
  test('cells with signs of the format are quoted', () => {
    expect(csv([['a;b', 'say "no"', 'x,y']], ';')).toBe('\u{feff}"a;b";"say ""no""";x,y\r\n')
  })
  test('a name is no formula', () => {
    expect(csv([['=1+1', '-2', 'A-B']], ',')).toBe("\u{feff}'=1+1,'-2,A-B\r\n")
  })
})

test('a site that is silent for a moment is not counted as offline', () => {
  const stats = { total_sites: 12, online: 7, warning: 2, offline: 3, error: 0, maintenance: 0, unknown: 0 } as SiteStats
  expect(states(stats)).toEqual([['online', 7], ['warning', 2], ['offline', 3], ['unknown', 0]])
})

test('the moment of a filter is that of the minute', () => {
  expect(olderThan(24, Date.parse('2026-11-26T02:03:04.567Z'))).toBe('2026-11-25T02:03:00.000Z')
})

describe('how a video stands on a box', () => {
  const item = (given: Partial<Item>): Item => ({ video_id: 'v', desired: true, ...given }) as Item
  test.each([
    [item({ state: 'installed' }), 'there'],
    [item({ state: 'pending', drift: 'missing' }), 'missing'],
    [item({ state: 'downloading', drift: 'missing' }), 'downloading'],
    [item({ state: 'failed', drift: 'missing' }), 'failed'],
    [item({ state: 'installed', drift: 'changed' }), 'changed'],
    [item({ state: 'failed', desired: false, drift: 'extra' }), 'extra'],
  ])('%j is %s', (given, expected) => expect(standing(given)).toBe(expected))
})

describe('figures of a day', () => {
  const one = (recorded_at: string, temperature: number | null, beats: number) => ({ recorded_at, temperature, beats })
  const metrics = {
    metrics: [one('2026-11-26T02:20:00Z', 61, 1), one('2026-11-26T01:00:00Z', null, 90), one('2026-11-26T00:00:00Z', 58, 120)],
  } as unknown as Metrics
  test('an hour stands at its middle, what is unknown stays unknown', () => {
    expect(curve(metrics, 'temperature')).toEqual([
      { at: Date.parse('2026-11-26T00:30:00Z'), value: 58 },
      { at: Date.parse('2026-11-26T01:30:00Z'), value: null },
      { at: Date.parse('2026-11-26T02:20:00Z'), value: 61 },
    ])
  })
  test('a heartbeat is newer than what was read', () => {
    const beat = { site_id: 's', at: '2026-11-26T02:21:00Z', cpu: 4, memory: 5, temperature: 63, disk: null, uptime: 9 }
    expect(latest(metrics, undefined)?.temperature).toBe(61)
    expect(latest(metrics, beat)).toMatchObject({ temperature: 63, disk_usage: null, cpu_usage: 4 })
  })
  test('an average of long ago is no measure of now', () => {
    expect(latest({ ...metrics, metrics: metrics.metrics.slice(1) }, undefined)).toBeUndefined()
  })
})

describe('the map', () => {
  const club = (lat: number, lng: number, display_status: 'online' | 'offline') => ({
    display_status,
    location: { coordinates: { lat, lng } },
  })
  test('where clubs share a dot, the most serious state is seen', () => {
    const { dots: all, elsewhere } = dots([club(48.11, -1.68, 'offline'), club(48.11, -1.68, 'online')])
    expect(all.filter((dot) => dot.state).map((dot) => dot.state)).toEqual(['offline'])
    expect(elsewhere).toBe(0)
  })
  test('what is not on it is counted', () => {
    const { elsewhere, nowhere } = dots([club(-20.9, 55.5, 'online'), { display_status: 'unknown', location: null }])
    expect([elsewhere, nowhere]).toEqual([1, 1])
  })
})

describe('where a site is', () => {
  test('says its town once', () => {
    const at = (site_name: string, city?: string) => placeOf({ site_name, location: city ? { city } : null } as never)
    expect(at('Gymnase municipal', 'Vitré')).toBe('Gymnase municipal, Vitré')
    expect(at('Gymnase de VITRE', 'Vitré')).toBe('Gymnase de VITRE')
    expect(at('Salle Jeanvitré', 'Vitré')).toBe('Salle Jeanvitré, Vitré')
    expect(at('Vitré', 'Vitré')).toBe('Vitré')
    expect(at('Gymnase')).toBe('Gymnase')
  })
})
