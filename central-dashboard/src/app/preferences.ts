/** What a person chose for this browser, and what the browser says about itself. */
import { localStorageColorSchemeManager, useMantineColorScheme, type MantineColorScheme } from '@mantine/core'
import { useSyncExternalStore } from 'react'
import { useWords } from '~/i18n/words'

/** `boot.js` reads the same key before the first paint. */
export const themes = localStorageColorSchemeManager({ key: 'neopro.theme' })
export const THEMES: readonly MantineColorScheme[] = ['light', 'dark', 'auto']

export function useTheme() {
  // To stop transitions it would write a style element, which a strict policy forbids.

  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true })
  return { theme: colorScheme, setTheme: setColorScheme }
}

let offlineSince: number | undefined = navigator.onLine ? undefined : Date.now()

function onNetwork(tell: () => void): () => void {
  const change = () => {
    offlineSince = navigator.onLine ? undefined : (offlineSince ?? Date.now())
    tell()
  }
  addEventListener('online', change)
  addEventListener('offline', change)
  return () => {
    removeEventListener('online', change)
    removeEventListener('offline', change)
  }
}

/** Since when the browser has no network; `undefined` while it has one. */
export function useOfflineSince(): number | undefined {
  return useSyncExternalStore(onNetwork, () => offlineSince)
}

/** Why nothing can be changed now: for disabled buttons. `undefined` when it can. */
export function useReadOnly(): string | undefined {
  const { t } = useWords()
  return useOfflineSince() === undefined ? undefined : t('app.offline.reason')
}
