import { describe, expect, it } from 'vitest'
import { judge, policy } from '../scripts/host'

describe('what the build says of NG_APP_API_URL', () => {
  it.each([
    ['https://api.example', []],
    [' https://api.example/ ', []],
    ['https://api.example/api', ['« /api » à la fin']],
    ['api.example', ["n'a pas de https://"]],
    ['https://api.example/neopro', ['contient un chemin']],
    ['http://api.example', ['est en http']],
    ['http://localhost:3001', ["l'ordinateur de qui ouvre la page"]],
    ['https://tableau.example/', ["l'adresse de ce site"]],
    ['http://tableau.example/api', ['« /api »', 'est en http', "l'adresse de ce site"]],
  ])('%s', (given, expected) => {
    const { warnings, error } = judge(given, { RENDER: 'true', RENDER_EXTERNAL_URL: 'https://tableau.example' })
    expect(error).toBeUndefined()
    expect(warnings).toHaveLength(expected.length)
    for (const [at, part] of expected.entries()) expect(warnings[at]).toContain(part)
    for (const warning of warnings) expect(warning).toMatch(/^NG_APP_API_URL : .*étape 7\.3/)
  })
  it('takes a build without it for the server’s own, unless a static host builds', () => {
    expect(judge('', {}).warnings).toEqual([])
    expect(judge(undefined, { RENDER: 'true' }).warnings).toEqual([expect.stringContaining("n'est pas définie")])
  })
  it.each(['"https://api.example"', 'postgres://user@host/db', 'https://', 'http://a b', 'ALLOWED_ORIGINS=https://x y'])(
    'refuses what can never work: %s',
    (given) => expect(judge(given).error).toMatch(/pas une adresse.*étape 6\.7.*étape 7\.3/),
  )
})

describe('the policy of a page on a static host', () => {
  const parts = (origin: string, storage: string) => new Map(policy(origin, storage).split('; ').map((part) => [part.split(' ')[0], part]))
  it('allows the API, the storage and nothing else, and no inline script', () => {
    const now = parts('https://api.example/', 'https://*.supabase.co')
    expect(now.get('connect-src')).toBe("connect-src 'self' https://api.example https://*.supabase.co")
    expect(now.get('script-src')).toBe("script-src 'self'")
    expect(now.get('default-src')).toBe("default-src 'none'")
    expect(now.has('frame-ancestors')).toBe(false)
  })
})
