import { useWords } from '~/i18n/words'
import { useSecondsUntil } from '~/ui/values'
import './account.css'

/** Until when something can be done; said once more, to those who hear it too, when little of it is left. */
export function TimeLeft({ until }: { until: number }) {
  const { t, formats } = useWords()
  const late = useSecondsUntil(until) <= 60
  return (
    <p className={late ? 'time-left late' : 'time-left'} role="status">
      {t(late ? 'account.left.late' : 'account.left', { time: formats.time(new Date(until), true) })}
    </p>
  )
}
