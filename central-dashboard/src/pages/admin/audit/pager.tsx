/** From page to page. */
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'

export function Pager({ page, pages, total, go }: { page: number; pages: number; total: number; go: (page: number) => void }) {
  const { t, formats } = useWords()
  return (
    <nav className="pager table-foot" aria-label={t('audit.pages')}>
      <span role="status">{t('audit.page', { page, pages: Math.max(1, pages), total: formats.number(total), count: total })}</span>
      {pages > 1 ? (
        <span className="acts">
          <button type="button" className="btn sm" disabled={page <= 1} onClick={() => go(page - 1)}>
            <Icon name="left" />
            {t('audit.page.newer')}
          </button>
          <button type="button" className="btn sm" disabled={page >= pages} onClick={() => go(page + 1)}>
            {t('audit.page.older')}
            <Icon name="right" />
          </button>
        </span>
      ) : null}
    </nav>
  )
}
