import { Link } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { useUser } from '~/api/session'
import { pagesFor } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { PageHeader } from '~/ui/page'

const Palette = lazy(() => import('~/app/palette/palette'))

/** Nothing stands at this address: one can search for what was meant. */
export function Page() {
  const { t } = useWords()
  const { role } = useUser()
  const [open, set] = useState(false)
  return (
    <>
      <PageHeader title={t('notfound.title')}>{t('notfound.text')}</PageHeader>
      <div className="acts">
        <button type="button" className="btn pri" onClick={() => set(true)}>
          <Icon name="search" />
          {t('notfound.search')}
        </button>
        {pagesFor(role)
          .slice(0, 2)
          .map((page) => (
            <Link key={page.path} to={page.path} className="btn">
              <Icon name={page.icon} />
              {t(page.name)}
            </Link>
          ))}
      </div>
      {open ? (
        <Suspense>
          <Palette onClose={() => set(false)} />
        </Suspense>
      ) : null}
    </>
  )
}
