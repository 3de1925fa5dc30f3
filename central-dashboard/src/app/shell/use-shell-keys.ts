import { useNavigate, useRouter } from '@tanstack/react-router'
import { useUser } from '~/api/session'
import { pagesFor } from '~/app/pages'
import { useShortcuts, type Keys } from '~/ui/shortcuts'

/** The keys that work on every page. */
export function useShellKeys(open: { palette: () => void; help: () => void }): void {
  const { role } = useUser()
  const navigate = useNavigate()
  const router = useRouter()
  const go: Keys = {}
  for (const page of pagesFor(role)) go[`g ${page.key}`] = () => void navigate({ to: page.path })
  useShortcuts({
    ...go,
    'ctrl+k': open.palette,
    '?': open.help,
    '/': () => {
      const field = document.querySelector<HTMLInputElement>('[data-list-search]')
      if (field) field.focus()
      else open.palette()
    },
    Escape: () => {
      if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur()
      else if (router.history.canGoBack()) router.history.back()
    },
  })
}
