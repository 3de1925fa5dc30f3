import { useLocation, useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useUser } from '~/api/session'
import { pageAt, pagesFor } from '~/app/pages'
import { useShortcuts, type Keys } from '~/ui/shortcuts'

/** Each list as it was left, with its filters. */
const lists = new Map<string, string>()

/** The keys that work on every page. */
export function useShellKeys(open: { palette: () => void; help: () => void }): void {
  const { role } = useUser()
  const navigate = useNavigate()
  const { pathname, href } = useLocation()
  useEffect(() => {
    if (pageAt(pathname)?.path === pathname) lists.set(pathname, href)
  }, [pathname, href])
  // From something to the list it stands in; elsewhere there is nothing to leave.
  const goUp = () => {
    const page = pageAt(pathname)
    if (page && page.path !== pathname) void navigate({ href: lists.get(page.path) ?? page.path })
  }
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
      else goUp()
    },
  })
}
