import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import en from '../src/api/en.json'
import fr from '../src/api/fr.json'
import { Refused, say } from '../src/api/errors'
import { Words } from '../src/i18n/words'

const french = new Words('fr', fr)
const english = new Words('en', en)

describe('what the server refuses', () => {
  it('is said in the language of the reader, also when there is no sentence for it', () => {
    const taken = new Refused(409, { error: 'Un autre site porte déjà ce nom.', code: 'site_name_taken' })
    expect(say(taken, french).sentence).toBe('Un autre site porte déjà ce nom.')
    expect(say(taken, english).sentence).toBe('Another site already has this name. Choose a different one.')
    const newer = new Refused(409, { error: 'Une phrase de demain.', code: 'of_tomorrow' })
    expect(say(newer, english).sentence).toContain('The server refused this (of_tomorrow)')
  })

  it('is no fault of a server that sleeps or starts: then whoever stands before it answers', () => {
    for (const status of [502, 503, 504]) {
      expect(say(new Refused(status, {}), french).sentence).toContain('Le serveur se réveille')
      expect(say(new Refused(status, {}), english).sentence).toContain('waking up')
    }
    // What the server says of itself is another thing, and so is a fault of it.
    const busy = new Refused(503, { error: 'Le service est momentanément indisponible.', code: 'unavailable' })
    expect(say(busy, french).sentence).toBe('Le service est momentanément indisponible.')
    expect(say(busy, english).sentence).toContain('unavailable for a moment')
    expect(say(new Refused(500, {}), english).sentence).toContain('could not answer')
  })

  it('names no field as a program does', () => {
    const invalid = new Refused(400, { error: 'site_name : Ce champ est obligatoire.', code: 'invalid' })
    expect(say(invalid, french).sentence).toBe('Des champs sont à corriger.')
  })

  it('is said with its reason where there is no form', () => {
    const details = [{ field: 'id', code: 'wrong' as const, message: 'Vous ne pouvez pas supprimer votre propre compte.' }]
    const own = new Refused(400, { error: 'id : Vous ne pouvez pas…', code: 'invalid', details })
    expect(say(own, french).sentence).toBe('Vous ne pouvez pas supprimer votre propre compte.')
    expect(say(own, english).sentence).toBe('Some fields need correcting.')
  })
})

describe('too many tries', () => {
  beforeEach(() => void vi.useFakeTimers({ now: new Date(2026, 10, 26, 17, 42, 10) }))
  afterEach(() => void vi.useRealTimers())

  it('end at a time, which stays true while it is read', () => {
    const refused = new Refused(429, { error: 'Trop de tentatives. Réessayez dans 40 s.', code: 'too_many_requests', retryAfter: 40 })
    const sentence = 'Trop de tentatives. Réessayez à partir de 17:42:50.'
    expect(say(refused, french)).toEqual({ sentence, until: Date.now() + 40_000, reference: undefined })
    const until = Date.now() + 40_000
    vi.advanceTimersByTime(30_500)
    expect(say(refused, french)).toEqual({ sentence, until, reference: undefined })
  })
})
