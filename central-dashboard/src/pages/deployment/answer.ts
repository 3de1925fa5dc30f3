/** The sentence that answers the page's question. */
import type { Words } from '~/i18n/words'
import { targetName, type Order } from '../deployments/order'

export function answer(order: Order, words: Words): string {
  const { t, formats } = words
  const removal = order.action === 'remove'
  if (order.status === 'scheduled') {
    const at = order.scheduled_at ? formats.dateTime(new Date(order.scheduled_at)) : ''
    return t(removal ? 'deployment.answer.planned_removal' : 'deployment.answer.planned', { at, target: targetName(order, words) })
  }
  const numbers = {
    done: order.deployed_count,
    total: order.total_count,
    failed: order.failed_count,
    open: order.open_count,
    shown: formats.number(order.total_count),
  }
  if (order.deployed_count === order.total_count) {
    return t(removal ? 'deployment.answer.all_removed' : 'deployment.answer.all', numbers)
  }
  return t(removal ? 'deployment.answer.removed' : 'deployment.answer.some', numbers)
}
