import { useLive } from '~/api/live'
import { useWords } from '~/i18n/words'

/** Whether what is on the screen is true now, and else how old it is. */
export function LivePill() {
  const { t, formats } = useWords()
  const { state, at } = useLive()
  const time = formats.time(new Date(at), true)
  const text =
    state === 'live'
      ? t('app.live.live')
      : state === 'down'
        ? t('app.live.down', { time })
        : state === 'off'
          ? t('app.live.off')
          : t('app.live.reconnecting', { time })
  return (
    <span className={`live status ${state}`} role="status" title={text}>
      <i aria-hidden="true" />
      <span>{text}</span>
    </span>
  )
}
