import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { reads } from '~/api/reads'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Loaded, PanelHead } from '~/ui/page'
import { StateBadge } from '~/ui/state'
import { Age } from '~/ui/values'
import type { Site } from '~/api/types'

/** Waits for the box, alive: one may leave and come back, the club stays in the list as never seen. */
export function FirstContact({ id, again }: { id: string; again: () => void }) {
  const { t } = useWords()
  const query = useQuery(reads.site(id))
  return (
    <section className="card new-site">
      <Loaded query={query} rows={4}>
        {(site) => (
          <>
            <PanelHead title={site.club_name} note={site.site_name} end={<StateBadge state={site.display_status} chip />} />
            <Checks site={site} />
            <div className="acts">
              <Link to="/sites/$id/$tab" params={{ id, tab: 'apercu' }} className="btn pri">
                <Icon name="screen" />
                {t('newsite.open')}
              </Link>
              <button type="button" className="btn" onClick={again}>
                <Icon name="plus" />
                {t('newsite.another')}
              </button>
            </div>
          </>
        )}
      </Loaded>
    </section>
  )
}

function Checks({ site }: { site: Site }) {
  const { t } = useWords()
  const seen = site.last_seen_at !== null && site.last_seen_at !== undefined
  return (
    <ol className="checks" aria-live="polite">
      <Item done={true} label={t('newsite.check.made')} />
      <Item done={true} label={t('newsite.check.key')} />
      <Item done={seen} label={seen ? t('newsite.check.seen') : t('newsite.check.waiting')}>
        {seen ? <Age at={site.last_seen_at} /> : <p>{t('newsite.how')}</p>}
      </Item>
    </ol>
  )
}

function Item({ done, label, children }: { done: boolean; label: string; children?: React.ReactNode }) {
  return (
    <li className={done ? 'done' : undefined}>
      <i aria-hidden="true">{done ? <Icon name="check" /> : <Icon name="clock" />}</i>
      <div>
        <b>{label}</b>
        {children}
      </div>
    </li>
  )
}
