/** The first sentence of the fleet, from its figures. */
import type { SiteStats } from '~/api/types'
import type { Words } from '~/i18n/words'

/** What is wrong, most serious first; or that nothing is. `failed` is unknown (`undefined`) until it was read. */
export function answer(stats: SiteStats, failed: number | undefined, { t, formats }: Words): string {
  if (stats.total_sites === 0) return t('fleet.answer.empty')
  const counted = (key: string, count: number) =>
    count > 0 ? [t(`fleet.answer.${key}`, { count, shown: formats.number(count) })] : []
  const wrong = [
    ...counted('error', stats.error),
    ...counted('offline', stats.offline),
    ...counted('failed', failed ?? 0),
  ]
  if (wrong.length > 0) return formats.list(wrong)
  const { online, warning, unknown, total_sites } = stats
  if (online + warning === 0 && unknown === total_sites) return t('fleet.answer.waiting', { count: unknown })
  return failed === undefined ? t('fleet.answer.boxes') : t('fleet.answer.well')
}
