import { useNavigate } from '@tanstack/react-router'
import { logOut, useUser } from '~/api/session'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { MenuButton } from '~/ui/menu'
import { forgetToasts, toast } from '~/ui/toast'

/** Who is logged in, the way to the account, and the way out. */
export function UserMenu({ onGo }: { onGo?: () => void }) {
  const { t, language } = useWords()
  const user = useUser()
  const navigate = useNavigate()
  const name = user.full_name || user.email
  return (
    <MenuButton
      className="me"
      start
      head={user.email}
      acts={[
        {
          label: t('app.profile'),
          icon: 'person',
          run: () => {
            onGo?.()
            void navigate({ to: '/profile' })
          },
        },
        { label: t('app.logout'), icon: 'logout', run: () => void leave(t('app.logout.alone')) },
      ]}
    >
      <span className="vh">{t('app.account')}</span>
      <span className="av" aria-hidden="true" data-initials={initials(name)} />
      <span className="who">
        <b>{name}</b>
        <small>{t('app.who', { role: t(`app.role.${user.role}`), language: language.toUpperCase() })}</small>
      </span>
      <Icon name="up" />
    </MenuButton>
  )
}

/** The session ends here in any case; that the server does not know of it yet has to be said. */
export async function leave(alone: string): Promise<void> {
  forgetToasts()
  try {
    await logOut()
  } catch {
    toast({ kind: 'error', text: alone })
  }
}

function initials(name: string): string {
  const parts = name.split(/[\s.@_-]+/).filter(Boolean)
  return parts
    .slice(0, 2)
    .map((part) => part.charAt(0).toUpperCase())
    .join('')
}
