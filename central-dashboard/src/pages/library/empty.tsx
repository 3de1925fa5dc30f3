import { useWords } from '~/i18n/words'
import { Empty } from '~/ui/page'
import { useClear } from './filters'

/** Nothing yet: how it begins. */
export function NoVideos() {
  const { t } = useWords()
  return (
    <Empty icon="video" title={t('library.empty')}>
      {t('library.empty.text')}
    </Empty>
  )
}

/** Something, but nothing that fits. */
export function NothingFits() {
  const { t } = useWords()
  const clear = useClear()
  return (
    <Empty
      icon="filter"
      title={t('ui.table.filtered')}
      action={
        <button type="button" className="btn sm" onClick={clear}>
          {t('ui.table.clear')}
        </button>
      }
    />
  )
}
