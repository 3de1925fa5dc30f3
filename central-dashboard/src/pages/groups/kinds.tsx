/** By what a group holds together: its word and its drawing. */
import { useWords } from '~/i18n/words'
import { Icon, type IconName } from '~/ui/icons'
import './groups.css'

export const KINDS = ['sport', 'geography', 'version', 'custom'] as const
export type Kind = (typeof KINDS)[number]

const ICONS: Record<Kind, IconName> = { sport: 'people', geography: 'globe', version: 'box', custom: 'filter' }

export const kindOf = (kind: string | null | undefined): Kind => KINDS.find((one) => one === kind) ?? 'custom'

export function KindChip({ kind }: { kind: string | null | undefined }) {
  const { t } = useWords()
  return <span className="chip">{t(`groups.kind.${kindOf(kind)}`)}</span>
}

export function KindIcon({ kind }: { kind: string | null | undefined }) {
  return (
    <span className="kind-icon">
      <Icon name={ICONS[kindOf(kind)]} />
    </span>
  )
}
