import '~/ui/css/mantine.css'
import '~/ui/css/tokens.css'
import '~/ui/css/base.css'
import '~/ui/css/menus.css'
import '~/ui/css/touch.css'
import '~/ui/css/forced.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { currentSession, restore } from '~/api/session'
import { watchPolicy } from '~/api/versions'
import { Away } from '~/app/away/away'
import { Waking } from '~/app/away/waking'
import { makeClient } from '~/app/client'
import { themes } from '~/app/preferences'
import { makeRouter } from '~/app/router'
import { preferredLanguage, speak, WordsProvider } from '~/i18n/words'

/** So long nothing is drawn: a server that is awake has answered by then. */
const AWAKE = 2_500

watchPolicy()
const root = createRoot(document.getElementById('root') as HTMLElement, { onUncaughtError: giveUp })

/** The language and the session first: no page is drawn that would have to be taken back. */
async function start(): Promise<void> {
  await speak(preferredLanguage(), false)
  const restored = restore()
  if (await isLate(restored)) draw(<Waking />)
  await restored
  show()
}

/** The pages, or why there are none. */
function show(): void {
  const client = makeClient()
  if (currentSession().state === 'away') draw(<Away again={again} />, client)
  else draw(<RouterProvider router={makeRouter(client)} />, client)
}

/** Another try; who sees why there are no pages goes on seeing it until there are. */
async function again(): Promise<void> {
  await restore()
  if (currentSession().state !== 'away') show()
}

function draw(page: ReactNode, client = makeClient()): void {
  root.render(
    <StrictMode>
      <MantineProvider
        defaultColorScheme="auto"
        colorSchemeManager={themes}
        withCssVariables={false}
        withGlobalClasses={false}
        deduplicateInlineStyles
      >
        <QueryClientProvider client={client}>
          <WordsProvider>{page}</WordsProvider>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )
  document.documentElement.dataset['up'] = ''
}

const isLate = (asked: Promise<void>): Promise<boolean> =>
  Promise.race([asked.then(() => false), new Promise<boolean>((done) => setTimeout(() => done(true), AWAKE))])

/** Nothing is on the screen any more: `boot.js` says so. */
function giveUp(error: unknown): void {
  console.error(error)
  const detail = error instanceof Error ? error.message : String(error)
  dispatchEvent(new CustomEvent('neopro:failed', { detail }))
}

start().catch(giveUp)
