import { Link } from '@tanstack/react-router'
import { useUser } from '~/api/session'
import { pagesFor } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { PageHeader } from '~/ui/page'

/** What this account may not open, and where it can go. */
export function Page() {
  const { t } = useWords()
  const { role } = useUser()
  const pages = pagesFor(role)
  return (
    <>
      <PageHeader title={t(pages.length > 0 ? 'forbidden.title' : 'forbidden.nothing')}>
        {t(pages.length > 0 ? 'forbidden.text' : 'forbidden.nothing.text', { role: t(`app.role.${role}`) })}
      </PageHeader>
      <div className="acts">
        {pages.map((page) => (
          <Link key={page.path} to={page.path} className="btn">
            <Icon name={page.icon} />
            {t(page.name)}
          </Link>
        ))}
        {/* One's own account is everybody's. */}
        <Link to="/profile" className="btn">
          <Icon name="person" />
          {t('app.profile')}
        </Link>
      </div>
    </>
  )
}
