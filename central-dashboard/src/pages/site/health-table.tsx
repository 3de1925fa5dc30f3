import type { Metrics } from '~/api/types'
import { useWords } from '~/i18n/words'
import { When } from '~/ui/values'

/** The same figures in a table. */
export function HealthTable({ metrics }: { metrics: Metrics }) {
  const { t, formats } = useWords()
  const percent = (value: number | null | undefined) =>
    value == null ? t('ui.unknown') : formats.percent(value / 100, 1)
  const degrees = (value: number | null | undefined) =>
    value == null ? t('ui.unknown') : t('site.celsius', { value: formats.decimal(value, 1) })
  return (
    <div className="figures-table" role="region" tabIndex={0} aria-label={t('site.health')}>
      <table>
        <caption className="vh">{t('site.health.note')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('site.figure.when')}</th>
            <th scope="col">{t('site.figure.temperature')}</th>
            <th scope="col">{t('site.figure.temperature_max')}</th>
            <th scope="col">{t('site.figure.disk_usage')}</th>
            <th scope="col">{t('site.figure.memory_usage')}</th>
            <th scope="col">{t('site.figure.cpu_usage')}</th>
          </tr>
        </thead>
        <tbody>
          {metrics.metrics.map((one) => (
            <tr key={one.id}>
              <th scope="row">
                <When at={one.recorded_at} />
              </th>
              <td>{degrees(one.temperature)}</td>
              <td>{degrees(one.temperature_max)}</td>
              <td>{percent(one.disk_usage)}</td>
              <td>{percent(one.memory_usage)}</td>
              <td>{percent(one.cpu_usage)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
