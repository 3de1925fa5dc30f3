// Before anything else, in what every browser understands: the theme, and what to say if the pages' own program does
// not come or breaks. A file, because the policy forbids inline scripts.
(function () {
  var root = document.documentElement

  function kept(name) {
    try {
      return localStorage.getItem(name)
    } catch (refused) {
      // Storage is off: what the system says it is.
      return null
    }
  }

  // Before the first paint: the theme that was chosen, or the system's.
  var theme = kept('neopro.theme')
  var dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  root.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')

  var WORDS = {
    fr: {
      title: 'NeoPro ne peut pas s’afficher',
      gone: 'L’hébergeur n’a pas le fichier {what} : la publication est incomplète, ou vient de changer. Rechargez la page. Si cela reste ainsi, vérifiez «\u00a0Build Command\u00a0» et «\u00a0Publish Directory\u00a0» (étape 7.2 du guide) et le journal de construction, puis publiez de nouveau.',
      away: 'Le fichier {what} n’est pas arrivé : pas de réseau, ou un bloqueur, un antivirus ou un pare-feu l’arrête. Vérifiez la connexion, autorisez ce site, puis rechargez la page.',
      stopped: 'Le fichier {what} est là, mais ce navigateur ne l’exécute pas : une extension l’arrête, ou le navigateur est trop ancien. Il faut Chrome ou Edge 110, Firefox 115, Safari 16.4 ou plus récent.',
      broken: 'Le programme de cette page s’est arrêté en démarrant. Rechargez la page ; si cela reste ainsi, essayez un navigateur à jour (Chrome ou Edge 110, Firefox 115, Safari 16.4 ou plus récent), puis transmettez ce message : {what}',
      again: 'Recharger la page',
    },
    en: {
      title: 'NeoPro cannot be shown',
      gone: 'The host does not have the file {what}: the site is not published whole, or has just changed. Reload the page. If it stays like this, check “Build Command” and “Publish Directory” (step 7.2 of the guide) and the build log, then publish again.',
      away: 'The file {what} did not arrive: there is no network, or a blocker, an antivirus or a firewall stops it. Check the connection, allow this site, then reload the page.',
      stopped: 'The file {what} is there, but this browser does not run it: an extension stops it, or the browser is too old. Chrome or Edge 110, Firefox 115, Safari 16.4 or newer is needed.',
      broken: 'The program of this page stopped while starting. Reload the page; if it stays like this, try an up-to-date browser (Chrome or Edge 110, Firefox 115, Safari 16.4 or newer), then pass on this message: {what}',
      again: 'Reload the page',
    },
    es: {
      title: 'NeoPro no se puede mostrar',
      gone: 'El alojamiento no tiene el archivo {what}: la publicación está incompleta o acaba de cambiar. Recarga la página. Si sigue así, comprueba «Build Command» y «Publish Directory» (paso 7.2 de la guía) y el registro de construcción, y publica de nuevo.',
      away: 'El archivo {what} no ha llegado: no hay red, o un bloqueador, un antivirus o un cortafuegos lo detiene. Comprueba la conexión, permite este sitio y recarga la página.',
      stopped: 'El archivo {what} está ahí, pero este navegador no lo ejecuta: una extensión lo detiene, o el navegador es demasiado antiguo. Hace falta Chrome o Edge 110, Firefox 115, Safari 16.4 o más reciente.',
      broken: 'El programa de esta página se ha detenido al arrancar. Recarga la página; si sigue así, prueba un navegador actualizado (Chrome o Edge 110, Firefox 115, Safari 16.4 o más reciente) y transmite este mensaje: {what}',
      again: 'Recargar la página',
    },
  }

  function language() {
    var wanted = [kept('neopro.language')].concat(navigator.languages || [navigator.language])
    for (var at = 0; at < wanted.length; at += 1) {
      var one = String(wanted[at]).slice(0, 2).toLowerCase()
      if (WORDS.hasOwnProperty(one)) return one
    }
    return 'fr'
  }

  var said = false

  /** Shows why there is nothing. The first reason is the one that counts. */
  function say(reason, what) {
    if (said) return
    said = true
    var chosen = language()
    var words = WORDS[chosen]
    var main = document.createElement('main')
    main.id = 'boot'
    main.className = 'said'
    main.setAttribute('data-reason', reason)
    var card = document.createElement('div')
    card.setAttribute('role', 'alert')
    root.lang = chosen
    var title = document.createElement('h1')
    title.textContent = words.title
    var text = document.createElement('p')
    var parts = words[reason].split('{what}')
    var code = document.createElement('code')
    code.textContent = what
    text.appendChild(document.createTextNode(parts[0]))
    text.appendChild(code)
    text.appendChild(document.createTextNode(parts[1]))
    var again = document.createElement('button')
    again.type = 'button'
    again.textContent = words.again
    again.addEventListener('click', function () {
      location.reload()
    })
    card.appendChild(title)
    card.appendChild(text)
    card.appendChild(again)
    main.appendChild(card)
    function show() {
      var place = document.getElementById('root')
      place.textContent = ''
      place.appendChild(main)
    }
    if (document.getElementById('root')) show()
    else document.addEventListener('DOMContentLoaded', show)
  }

  /** A part of the program did not load: what does the host say when it is asked for it once more? */
  function ask(address) {
    var name = address.replace(/^[^?]*\/(?=assets\/)/, '')
    fetch(address, { cache: 'no-store' }).then(
      function (answer) {
        var isScript = /javascript/.test(answer.headers.get('content-type') || '')
        if (answer.ok && isScript) say('stopped', name)
        else if (!freshOnce()) say('gone', name)
      },
      function () {
        say('away', name)
      },
    )
  }

  /** A page that was kept from before a new publication asks for what is gone: it is loaded anew, once. */
  function freshOnce() {
    try {
      if (Date.now() - Number(sessionStorage.getItem('neopro.reloaded') || 0) < 60000) return false
      sessionStorage.setItem('neopro.reloaded', String(Date.now()))
    } catch (refused) {
      return false
    }
    location.reload()
    return true
  }

  function isUp() {
    return root.hasAttribute('data-up')
  }

  addEventListener(
    'error',
    function (event) {
      if (isUp()) return
      var from = event.target
      if (from && from.tagName === 'SCRIPT') ask(from.src)
      else if (event.message) say('broken', event.message)
    },
    true,
  )
  addEventListener('unhandledrejection', function (event) {
    if (!isUp()) say('broken', String((event.reason && event.reason.message) || event.reason))
  })
  // The program itself gives up: nothing of it is on the screen any more.
  addEventListener('neopro:failed', function (event) {
    said = false
    say('broken', String(event.detail))
  })
  if (!('noModule' in document.createElement('script'))) {
    document.addEventListener('DOMContentLoaded', function () {
      say('stopped', 'index.html')
    })
  }
})()
