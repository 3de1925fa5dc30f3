import { describe, expect, it } from 'vitest'
import { changedIn, crossedIn, taken } from '../src/ui/edits'
import { changesOf, contentOf } from '../src/pages/siteacts/content'
import { nameTaken } from '../src/pages/groups/names'
import type { Group, Site } from '../src/api/types'

const site = (given: Partial<Site>): Site =>
  ({
    club_name: 'HBC Vitré',
    site_name: 'Gymnase',
    status: 'online',
    sports: ['handball'],
    location: { city: 'Vitré', region: 'Bretagne', coordinates: { lat: 48.1, lng: -1.2 } },
    ...given,
  }) as Site

describe('two people at one form', () => {
  const opened = contentOf(site({}))
  const wanted = { ...opened, city: 'Rennes' }

  it('only what one has changed is sent', () => {
    expect(changedIn(opened, wanted)).toEqual(['city'])
    expect(changedIn(opened, { ...opened })).toEqual([])
    expect(taken(wanted, ['city'])).toEqual({ city: 'Rennes' })
  })

  it('another field that somebody else changed is left to that person', () => {
    const now = site({ club_name: 'HBC Pays de Vitré', location: { city: 'Vitré', region: 'Pays de la Loire', coordinates: { lat: 1, lng: 2 } } })
    expect(crossedIn(opened, contentOf(now), wanted).filter((field) => changedIn(opened, wanted).includes(field))).toEqual([])
    expect(changesOf(taken(wanted, ['city']), now)).toEqual({
      location: { city: 'Rennes', region: 'Pays de la Loire', coordinates: { lat: 1, lng: 2 } },
    })
  })

  it('the same field is a contradiction, unless both wrote the same', () => {
    expect(crossedIn(opened, contentOf(site({ location: { city: 'Laval' } })), wanted)).toContain('city')
    expect(crossedIn(opened, { ...opened, city: 'Rennes' }, wanted)).toEqual([])
  })
})

describe('what is written of a site', () => {
  it('has each field as the server wants it', () => {
    const content = { ...contentOf(site({})), club_name: 'A', sports: 'futsal,  volley ,', country: 'France', maintenance: true }
    expect(changesOf(taken(content, ['club_name', 'sports', 'country', 'maintenance']), site({}))).toEqual({
      club_name: 'A',
      sports: ['futsal', 'volley'],
      status: 'maintenance',
      location: { city: 'Vitré', region: 'Bretagne', country: 'France', coordinates: { lat: 48.1, lng: -1.2 } },
    })
  })

  it('clears what was emptied', () => {
    expect(changesOf({ region: '', sports: '' }, site({}))).toEqual({
      sports: [],
      location: { city: 'Vitré', coordinates: { lat: 48.1, lng: -1.2 } },
    })
  })

  it('a box out of maintenance is offline until it is heard of', () => {
    expect(changesOf({ maintenance: false }, site({ status: 'maintenance' }))).toEqual({ status: 'offline' })
  })
})

describe('the name of a group', () => {
  const groups = [{ id: 'a', name: 'Élan Féminin' }] as Group[]
  it('is taken whatever its accents, capitals and spaces', () => {
    expect(nameTaken(groups, ' elan  féminin ', undefined)?.id).toBe('a')
    expect(nameTaken(groups, 'Élan', undefined)).toBeUndefined()
  })
  it('may stay what it is', () => {
    expect(nameTaken(groups, 'élan féminin', 'a')).toBeUndefined()
  })
})
