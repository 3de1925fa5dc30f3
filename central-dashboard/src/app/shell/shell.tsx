/** What stands around every page: rail, top bar, what is said to all, and the page in the middle. */
import { MantineThemeProvider } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { Outlet, useRouter } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState } from 'react'
import { listen } from '~/api/live'
import { currentSession, onSession } from '~/api/session'
import { EndBanner } from '~/app/ending/banner'
import { GraceBanner } from '~/app/grace/banner'
import { NoticeBanner } from '~/app/notice/banner'
import { useOfflineSince } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { usePresence } from '~/uploads/presence'
import { forgetAll } from '~/uploads/unfinished'
import { Icon } from '~/ui/icons'
import { Toasts } from '~/ui/toast'
import { BottomBar } from './bottom-bar'
import { Rail, RailDrawer } from './rail'
import { ShortcutSheet } from './shortcut-sheet'
import { TopBar } from './top-bar'
import { useShellKeys } from './use-shell-keys'
import './shell.css'

/** What opens beside something on a page belongs to the page: outside of it nobody who hears it would know where it is. */
const WITHIN_MAIN = { components: { Portal: { defaultProps: { target: '#main' } } } }

const loadPalette = () => import('~/app/palette/palette')
const Palette = lazy(loadPalette)
const UploadPill = lazy(() => import('~/uploads/pill'))

export function Shell() {
  const { t } = useWords()
  const [drawer, openDrawer] = useState(false)
  const [palette, openPalette] = useState(false)
  const [help, openHelp] = useState(false)
  useLiveStream()
  usePaletteAtHand()
  useSessionEnd()
  useFocusOnArrival()
  useShellKeys({ palette: () => openPalette(true), help: () => openHelp(true) })
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {t('app.skip')}
      </a>
      <Rail />
      <div className="main">
        <TopBar onMenu={() => openDrawer(true)} onPalette={() => openPalette(true)} onHelp={() => openHelp(true)} />
        <OfflineBanner />
        <EndBanner />
        <GraceBanner />
        <NoticeBanner />
        <main id="main" tabIndex={-1}>
          <MantineThemeProvider inherit theme={WITHIN_MAIN}>
            <Suspense>
              <Outlet />
            </Suspense>
          </MantineThemeProvider>
        </main>
      </div>
      <BottomBar onMore={() => openDrawer(true)} />
      <RailDrawer open={drawer} onClose={() => openDrawer(false)} />
      <ShortcutSheet open={help} onClose={() => openHelp(false)} />
      {palette ? (
        <Suspense>
          <Palette onClose={() => openPalette(false)} onHelp={() => openHelp(true)} />
        </Suspense>
      ) : null}
      <Uploads />
      <Toasts />
    </div>
  )
}

/** Files that are on their way, on every page; nothing is loaded while there are none. */
function Uploads() {
  const { open, stuck } = usePresence()
  if (open + stuck === 0) return null
  return (
    <Suspense>
      <UploadPill />
    </Suspense>
  )
}

/** One stream for as long as somebody is logged in. */
function useLiveStream(): void {
  const client = useQueryClient()
  useEffect(() => listen(client), [client])
}

/** Loaded once the page stands: the first letter after Ctrl K must not get lost. */
function usePaletteAtHand(): void {
  useEffect(() => {
    const timer = setTimeout(() => loadPalette().catch(() => undefined), 1500)
    return () => clearTimeout(timer)
  }, [])
}

/** When the session ends, the guard of the routes leads to the login, and back afterwards; nothing of it is kept. */
function useSessionEnd(): void {
  const router = useRouter()
  const client = useQueryClient()
  useEffect(
    () =>
      onSession(() => {
        // What the open page shows must not be thrown away under it: it would never be read again.
        const session = currentSession()
        const over = session.state !== 'in'
        if (session.state === 'out' && session.why !== 'ended') forgetAll()
        void router.invalidate().then(() => (over ? client.clear() : client.invalidateQueries()))
      }),
    [router, client],
  )
}

/** A new page begins at its heading, for the keyboard and for those who hear it. Filters are no new page. */
function useFocusOnArrival(): void {
  const router = useRouter()
  useEffect(
    () =>
      router.subscribe('onRendered', ({ pathChanged, fromLocation }) => {
        if (!pathChanged || !fromLocation) return
        requestAnimationFrame(() => {
          focusHeading()
          keepHeadingFocused()
        })
      }),
    [router],
  )
}

function focusHeading(): void {
  const heading = document.querySelector<HTMLElement>('main h1') ?? document.querySelector<HTMLElement>('main')
  heading?.focus({ preventScroll: true })
}

/** A heading that is replaced when the data come takes the focus with it; unless somebody has moved it, it comes back. */
function keepHeadingFocused(): void {
  const main = document.getElementById('main')
  if (!main) return
  const stop = new AbortController()
  const observer = new MutationObserver(() => {
    if (document.activeElement !== document.body) return
    focusHeading()
    stop.abort()
  })
  stop.signal.addEventListener('abort', () => observer.disconnect())
  for (const act of ['keydown', 'pointerdown']) addEventListener(act, () => stop.abort(), { signal: stop.signal })
  observer.observe(main, { childList: true, subtree: true })
  setTimeout(() => stop.abort(), 10_000)
}

function OfflineBanner() {
  const { t, formats } = useWords()
  const since = useOfflineSince()
  if (since === undefined) return null
  return (
    <div className="offline-banner" role="status">
      <Icon name="wifi" />
      {t('app.offline.banner', { time: formats.time(new Date(since)) })}
    </div>
  )
}
