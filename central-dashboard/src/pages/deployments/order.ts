/** What an order says about itself: how far it is, for whom, in words and in shares. */
import type { Deployment } from '~/api/types'
import type { Words } from '~/i18n/words'
import type { Segment } from '~/ui/figures'
import type { Progress } from '~/ui/state'

/** The counts by state are always there; the names of what was chosen only for a selection. */
export type Order = Deployment & {
  pending_count?: number
  downloading_count?: number
  cancelled_count?: number
  superseded_count?: number
  selected_groups?: number | null
  selected_sites?: number | null
}

/** The one word for it. "Complete" only when every site is as the order wants it. */
export type Standing = 'planned' | 'waiting' | 'running' | 'complete' | 'partial' | 'failed' | 'cancelled'

export function standing(order: Order): Standing {
  switch (order.status) {
    case 'scheduled':
      return 'planned'
    case 'pending':
      return 'waiting'
    case 'in_progress':
      return 'running'
    case 'failed':
      return order.deployed_count > 0 ? 'partial' : 'failed'
    case 'cancelled':
      return 'cancelled'
    default:
      return order.deployed_count === order.total_count ? 'complete' : 'partial'
  }
}

/** The drawing of each. */
export const SHAPES: Record<Standing, Progress> = {
  planned: 'planned',
  waiting: 'waiting',
  running: 'running',
  complete: 'done',
  partial: 'failed',
  failed: 'failed',
  cancelled: 'cancelled',
}

/** An order that ended without a failure but not everywhere has lost sites to later orders, not to trouble. */
export const shapeOf = (order: Order): Progress =>
  standing(order) === 'partial' && order.failed_count === 0 ? 'superseded' : SHAPES[standing(order)]

export const isOpen = (order: Order): boolean => ['scheduled', 'pending', 'in_progress'].includes(order.status)

/** A state of a site within an order, as the API says it. */
export type SiteState = 'installed' | 'downloading' | 'pending' | 'failed' | 'cancelled' | 'superseded'
export const SITE_STATES: readonly SiteState[] = [
  'installed',
  'downloading',
  'pending',
  'failed',
  'cancelled',
  'superseded',
]

export const SITE_SHAPES: Record<SiteState, Progress> = {
  installed: 'done',
  downloading: 'running',
  pending: 'waiting',
  failed: 'failed',
  cancelled: 'cancelled',
  superseded: 'superseded',
}

export function countOf(order: Order, state: SiteState): number {
  switch (state) {
    case 'installed':
      return order.deployed_count
    case 'downloading':
      return order.downloading_count ?? 0
    case 'pending':
      return order.pending_count ?? order.open_count
    case 'failed':
      return order.failed_count
    case 'cancelled':
      return order.cancelled_count ?? 0
    default:
      return order.superseded_count ?? 0
  }
}

/** The shares of the bar, in the order in which sites go through them. */
export function segments(order: Order, { t, formats }: Words): Segment[] {
  return SITE_STATES.map((state) => {
    const value = countOf(order, state)
    const label = t(`deployments.part.${state}`, { count: value, shown: formats.number(value) })
    return { state: SITE_SHAPES[state], value, label }
  })
}

/** Whom it is for; a selection is counted in the reader's language. */
export function targetName(order: Order, { t }: Words): string {
  if (order.target_type === 'site') return order.club_name ?? order.target_name
  if (order.target_id !== null || order.selected_groups == null) return order.target_name
  const parts = { groups: order.selected_groups, sites: order.selected_sites ?? 0 }
  if (parts.sites === 0) return t('deployments.groups', { count: parts.groups })
  if (parts.groups === 0) return t('deployments.sites', { count: parts.sites })
  return t('deployments.both', {
    groups: t('deployments.groups', { count: parts.groups }),
    sites: t('deployments.sites', { count: parts.sites }),
  })
}
