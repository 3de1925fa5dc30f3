import type { Site } from '~/api/types'
import { useWords, type Words } from '~/i18n/words'
import { Flash } from '~/ui/flash'
import { Shape, StateBadge } from '~/ui/state'
import type { Column } from '~/ui/table'
import { Age, Bytes } from '~/ui/values'

/** What a row says of a club: its state first, then who and where, then the box. */
export function columns({ t, formats }: Words): Column<Site>[] {
  return [
    {
      id: 'state',
      header: t('sites.column.state'),
      width: '128px',
      card: 'corner',
      cell: (site) => (
        <Flash of={site.display_status}>
          <StateBadge state={site.display_status} />
        </Flash>
      ),
    },
    {
      id: 'club',
      header: t('sites.column.club'),
      sort: 'club_name',
      card: 'title',
      cell: (site) => (
        <span className="two-lines">
          <b>{site.club_name}</b>
          <small>{site.site_name}</small>
        </span>
      ),
    },
    { id: 'city', header: t('sites.column.city'), sort: 'city', width: '160px', card: 'line', cell: (site) => <Place site={site} /> },
    { id: 'sport', header: t('sites.column.sport'), width: '136px', cell: (site) => formats.list(site.sports ?? []) },
    { id: 'seen', header: t('sites.column.seen'), sort: 'last_seen_at', width: '112px', cell: (site) => <Seen site={site} /> },
    {
      id: 'version',
      header: t('sites.column.version'),
      sort: 'software_version',
      width: '96px',
      cell: (site) => site.software_version ?? <span className="mut">{t('ui.unknown')}</span>,
    },
    { id: 'free', header: t('sites.column.free'), num: true, width: '104px', cell: (site) => <Bytes value={site.free_bytes} /> },
    { id: 'behind', header: t('sites.column.content'), width: '112px', cell: (site) => <Content site={site} /> },
  ]
}

function Place({ site }: { site: Site }) {
  const { city, region } = site.location ?? {}
  return (
    <span className="place">
      <span className="two-lines">
        {city}
        <small>{region}</small>
      </span>
      <span className="card-seen">
        <Seen site={site} />
      </span>
    </span>
  )
}

const Seen = ({ site }: { site: Site }) => <Age at={site.last_seen_at} />

/** Whether the box has said that it has all it is to have. */
function Content({ site }: { site: Site }) {
  const { t } = useWords()
  if (site.behind) {
    return (
      <span className="state">
        <Shape state="running" />
        {t('sites.behind')}
      </span>
    )
  }
  return <span className="mut">{site.last_seen_at ? t('sites.up_to_date') : t('ui.unknown')}</span>
}
