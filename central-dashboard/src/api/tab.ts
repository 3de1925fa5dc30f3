/** A tab that was duplicated has the same handles as its original: using one twice would end the session of both. */
import { newHandle } from './handle'

const KEY = 'neopro.tab'
/** A reload lets go of the old page's lock within this time. */
const PATIENCE = 2000

/** Whether this tab alone holds what `sessionStorage` says; holds on to it from then on. */
export function isOnlyTab(): Promise<boolean> {
  asked ??= ask()
  return asked
}

let asked: Promise<boolean> | undefined

async function ask(): Promise<boolean> {
  const known = sessionStorage.getItem(KEY)
  const name = known ?? newHandle()
  sessionStorage.setItem(KEY, name)
  if (await hold(name)) return true
  const own = newHandle()
  sessionStorage.setItem(KEY, own)
  await hold(own)
  return false
}

/** Takes a lock that lasts as long as the page. */
function hold(name: string): Promise<boolean> {
  const { locks } = navigator
  if (!locks) return Promise.resolve(true)
  return new Promise((done) => {
    locks
      .request(`neopro.tab.${name}`, { signal: AbortSignal.timeout(PATIENCE) }, () => {
        done(true)
        return new Promise(() => undefined)
      })
      .catch(() => done(false))
  })
}
