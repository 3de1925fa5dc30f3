import '~/ui/css/mantine.css'
import '~/ui/css/tokens.css'
import '~/ui/css/base.css'
import '~/ui/css/menus.css'
import '~/ui/css/touch.css'
import '~/ui/css/forced.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { currentSession, restore } from '~/api/session'
import { Away } from '~/app/away'
import { makeClient } from '~/app/client'
import { freshPagesOnce } from '~/app/fresh-pages'
import { themes } from '~/app/preferences'
import { makeRouter } from '~/app/router'
import { preferredLanguage, speak, WordsProvider } from '~/i18n/words'

freshPagesOnce()
const root = createRoot(document.getElementById('root') as HTMLElement)

/** The language and the session first: no page is drawn that would have to be taken back. */
async function start(): Promise<void> {
  await Promise.all([speak(preferredLanguage(), false), restore()])
  const client = makeClient()
  const page =
    currentSession().state === 'away' ? <Away again={() => void start()} /> : <RouterProvider router={makeRouter(client)} />
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
}

void start()
