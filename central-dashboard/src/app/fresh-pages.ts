const KEY = 'neopro.reloaded'

/**
 * After the dashboard was published anew, a page that was open for long asks for parts that are gone. It is loaded
 * anew, once: if that does not help, the error is shown. Without an answer the part is not gone but out of reach, and
 * what is on the screen is worth more than a page of the browser.
 */
export function freshPagesOnce(): void {
  addEventListener('vite:preloadError', () => {
    const before = Number(sessionStorage.getItem(KEY) ?? 0)
    if (!navigator.onLine || Date.now() - before < 60_000) return
    fetch('/', { cache: 'no-store', headers: { Accept: 'text/html' } }).then(
      (answer) => {
        if (!answer.ok) return
        sessionStorage.setItem(KEY, String(Date.now()))
        location.reload()
      },
      () => undefined,
    )
  })
}
