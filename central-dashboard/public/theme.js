// Before the first paint: the theme that was chosen, or the system's. A file, because the policy forbids inline scripts.
(function () {
  var chosen = null
  try {
    chosen = localStorage.getItem('neopro.theme')
  } catch (refused) {
    // Storage is off: the system's theme it is.
  }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')
})()
