const KEY = 'neopro.reloaded'

/**
 * After the dashboard was published anew, a page that was open for long asks for parts that are gone. It is loaded
 * anew, once: if that does not help, the error is shown.
 */
export function freshPagesOnce(): void {
  addEventListener('vite:preloadError', (event) => {
    const before = Number(sessionStorage.getItem(KEY) ?? 0)
    if (Date.now() - before < 60_000) return
    sessionStorage.setItem(KEY, String(Date.now()))
    event.preventDefault()
    location.reload()
  })
}
