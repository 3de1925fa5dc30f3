import { describe, expect, it } from 'vitest'
import { newHandle, renew, type Answer, type Shelf } from '../src/api/handle'

/** A server as the contract has it: one current handle, the used ones end the session, others are unknown. */
class Server {
  readonly used = new Set<string>()
  revoked = false
  tokens = 0
  /** What happens to the coming answers. */
  trouble: ('none' | 'lost before' | 'lost after')[] = []

  constructor(public current: string) {}

  ask = async (handle: string, next: string): Promise<Answer<string>> => {
    const trouble = this.trouble.shift() ?? 'none'
    if (trouble === 'lost before') throw new Error('no network')
    const answer = this.#answer(handle, next)
    if (trouble === 'lost after') throw new Error('no network')
    return answer
  }

  #answer(handle: string, next: string): Answer<string> {
    if (this.revoked) return { kind: 'ended' }
    if (this.used.has(handle)) {
      this.revoked = true
      return { kind: 'ended' }
    }
    if (handle !== this.current) return { kind: 'unknown' }
    this.used.add(handle)
    this.current = next
    this.tokens += 1
    return { kind: 'renewed', session: { token: `token ${this.tokens}`, session_expires_in: 604_800, expires_in: 600, user: 'me' } }
  }
}

function shelfWith(...handles: string[]): Shelf & { handles: string[] } {
  return {
    handles,
    read() {
      return this.handles
    },
    write(next) {
      this.handles = next
    },
  }
}

const numbers = () => {
  let last = 0
  return () => `next ${(last += 1)}`
}

describe('the session of a tab', () => {
  it('goes from handle to handle', async () => {
    const server = new Server('first')
    const shelf = shelfWith('first')
    const make = numbers()
    expect((await renew(shelf, server.ask, make))?.token).toBe('token 1')
    expect((await renew(shelf, server.ask, make))?.token).toBe('token 2')
    expect(shelf.handles).toEqual([server.current])
  })

  // Every way in which up to five questions in a row can be lost, on the way there or back.
  const ways = Array.from({ length: 2 ** 5 }, (_, bits) =>
    Array.from({ length: 5 }, (_, at) => ((bits >> at) & 1 ? 'lost after' : 'lost before') as 'lost after' | 'lost before'),
  )
  it.each(ways.flatMap((way) => [1, 2, 3, 4, 5].map((length) => way.slice(0, length))))(
    'survives answers that are lost: %s %s %s %s %s',
    async (...way) => {
      const server = new Server('first')
      const shelf = shelfWith('first')
      const make = numbers()
      server.trouble = way.filter(Boolean)
      while (server.trouble.length > 0) await renew(shelf, server.ask, make).catch(() => undefined)
      expect((await renew(shelf, server.ask, make))?.user).toBe('me')
      expect(server.revoked).toBe(false)
      expect(shelf.handles).toEqual([server.current])
    },
  )

  it('is over when a handle was used before, and nothing is left to try', async () => {
    const server = new Server('first')
    await server.ask('first', 'thief')
    const shelf = shelfWith('first')
    expect(await renew(shelf, server.ask)).toBeNull()
    expect(server.revoked).toBe(true)
    expect(shelf.handles).toEqual([])
  })

  it('is over when the server knows none of its handles', async () => {
    const shelf = shelfWith('old', 'older')
    expect(await renew(shelf, new Server('other').ask)).toBeNull()
    expect(shelf.handles).toEqual([])
  })

  it('has no session without a handle, and asks nobody', async () => {
    expect(await renew(shelfWith(), () => Promise.reject(new Error('asked')))).toBeNull()
  })

  it('keeps the next handle before it asks', async () => {
    const shelf = shelfWith('first')
    let kept: string[] = []
    await renew(shelf, async () => {
      kept = [...shelf.handles]
      return { kind: 'ended' }
    }, () => 'next')
    expect(kept).toEqual(['first', 'next'])
  })

  it('makes handles of 43 letters that never repeat', () => {
    const made = Array.from({ length: 200 }, newHandle)
    expect(new Set(made).size).toBe(200)
    for (const one of made) expect(one).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })
})
