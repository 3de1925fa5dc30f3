/** Small things that open beside what they belong to. */
import { Popover } from '@mantine/core'
import { useWords } from '~/i18n/words'
import { Icon } from './icons'
import { MenuButton, type MenuAct } from './menu'

/** The (?) beside a figure: formula, source, exclusions. */
export function Definition({ children }: { children: string }) {
  const { t } = useWords()
  return (
    <Popover width={280} position="bottom-start" shadow="md">
      <Popover.Target>
        <button type="button" className="def" aria-label={t('ui.definition')} onClick={(event) => event.preventDefault()}>
          <Icon name="help" />
        </button>
      </Popover.Target>
      <Popover.Dropdown>{children}</Popover.Dropdown>
    </Popover>
  )
}

export type { MenuAct }

/** The "…" with what one does rarely. */
export function MoreMenu({ acts, label }: { acts: MenuAct[]; label?: string }) {
  const { t } = useWords()
  if (acts.length === 0) return null
  return (
    <MenuButton acts={acts} className="btn icon" label={label ?? t('ui.more')}>
      <Icon name="more" />
    </MenuButton>
  )
}
