import { lazyRouteComponent, type RouteComponent } from '@tanstack/react-router'
import type { ReactNode } from 'react'

const KEY = 'neopro.reloaded'

/** A part of the dashboard did not come. The router would load the whole page anew, also where no server answers. */
export class Unloaded extends Error {
  constructor(cause: unknown) {
    super('a part of the dashboard did not come', { cause })
    this.name = 'Unloaded'
  }
}

/** A page that is loaded when it is opened: what its folder exports as `Page`, whose links know the type of the router. */
export function lazyPage(load: () => Promise<object>): RouteComponent {
  const loaded = () =>
    load().then(
      (page) => page as { Page: () => ReactNode },
      (error: unknown) => {
        throw new Unloaded(error)
      },
    )
  return lazyRouteComponent(loaded, 'Page')
}

/** Whether a page broke because a part of it did not come, by our own word or by that of the browser. */
export const isUnloaded = (error: unknown): boolean =>
  error instanceof Unloaded || (error instanceof TypeError && /import|preload|fetch/i.test(error.message))

/**
 * After the dashboard was published anew, a page that was open for long asks for parts that are gone. It is loaded
 * anew, once: if that does not help, the error is shown. Without an answer the part is not gone but out of reach, and
 * what is on the screen is worth more than a page of the browser. Only who opens a page is served so: a pointer on a
 * link must not cost anybody what stands in a form.
 */
export async function freshPagesOnce(): Promise<void> {
  const before = Number(sessionStorage.getItem(KEY) ?? 0)
  if (!navigator.onLine || Date.now() - before < 60_000) return
  try {
    const answer = await fetch('/', { cache: 'no-store', headers: { Accept: 'text/html' } })
    if (!answer.ok) return
  } catch {
    return
  }
  sessionStorage.setItem(KEY, String(Date.now()))
  location.reload()
}
