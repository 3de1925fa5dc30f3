import { useWords } from '~/i18n/words'
import { Skeleton } from '~/ui/page'
import './away.css'

/** The server has not answered yet: one that sleeps needs a while. */
export function Waking() {
  const { t } = useWords()
  return (
    <main className="away">
      <h1>{t('away.waking')}</h1>
      <p role="status">{t('away.waking.text')}</p>
      <Skeleton rows={2} />
    </main>
  )
}
