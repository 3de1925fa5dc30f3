/** Small things that open beside what they belong to. */
import { Menu, Popover } from '@mantine/core'
import type { ReactNode } from 'react'
import { useWords } from '~/i18n/words'
import { Icon, type IconName } from './icons'

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

export interface MenuAct {
  label: string
  icon?: IconName
  danger?: boolean
  /** Why it cannot be done now: it stays visible, with the reason. */
  reason?: string | undefined
  run: () => void
}

/** The "…" with what one does rarely. */
export function MoreMenu({ acts, label }: { acts: MenuAct[]; label?: string }) {
  const { t } = useWords()
  if (acts.length === 0) return null
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <button type="button" className="btn icon" aria-label={label ?? t('ui.more')}>
          <Icon name="more" />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {acts.map((act) => (
          <MenuItem key={act.label} act={act} />
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

function MenuItem({ act }: { act: MenuAct }): ReactNode {
  return (
    <Menu.Item
      onClick={act.run}
      disabled={act.reason !== undefined}
      leftSection={act.icon ? <Icon name={act.icon} /> : undefined}
      className={act.danger ? 'menu-danger' : undefined}
    >
      {act.label}
      {act.reason ? <small className="menu-reason">{act.reason}</small> : null}
    </Menu.Item>
  )
}
