import { useQueries, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { isGone } from '~/api/errors'
import { reads } from '~/api/reads'
import { useWords } from '~/i18n/words'
import { fold, SearchField } from '~/ui/filters'
import { Icon } from '~/ui/icons'
import { PanelHead } from '~/ui/page'
import { StateBadge } from '~/ui/state'
import { flipped, useChoose, type Chosen } from './chosen'
import { Heading } from './heading'
import { Chip, Nothing, Picks } from './picks'

const FIRST = 6
/** So many sites are named; a long choice is a number. */
const NAMED = 12

/** Second step: which groups and which single sites. */
export function Who({ chosen }: { chosen: Chosen }) {
  const { t } = useWords()
  const choose = useChoose()
  const [search, setSearch] = useState<string>()
  return (
    <section className="card" id="who">
      <PanelHead title={<Heading step={2}>{t('send.who')}</Heading>} note={t('send.who.note')} />
      <ChosenTargets chosen={chosen} />
      <SearchField label={t('send.who.search')} value={search} onChange={setSearch} />
      <div className="who-lists">
        <div>
          <h3>{t('send.who.groups')}</h3>
          <Groups search={search} chosen={chosen.groups} flip={(id) => choose.list('groups', flipped(chosen.groups, id))} />
        </div>
        <div>
          <h3>{t('send.who.sites')}</h3>
          <Sites search={search} chosen={chosen.sites} flip={(id) => choose.list('sites', flipped(chosen.sites, id))} />
        </div>
      </div>
    </section>
  )
}

interface ListProps {
  search: string | undefined
  chosen: string[]
  flip: (id: string) => void
}

function Groups({ search, chosen, flip }: ListProps) {
  const { t, formats } = useWords()
  const [limit, setLimit] = useState(FIRST)
  const wanted = fold(search ?? '')
  const query = useQuery({
    ...reads.groups(),
    select: ({ groups }) => {
      const fitting = groups.filter((group) => fold(group.name).includes(wanted))
      return { rows: fitting.slice(0, limit), total: fitting.length }
    },
  })
  return (
    <Picks
      label={t('send.who.groups')}
      query={query}
      idOf={(group) => String(group.id)}
      chosen={chosen}
      flip={flip}
      more={() => setLimit(limit + 12)}
      empty={<Nothing searched={search !== undefined} none={t('send.who.groups.none')} action={<Link to="/groups" className="btn sm">{t('send.who.groups.make')}</Link>} />}
    >
      {(group) => (
        <>
          <Icon name="people" />
          <span className="pick-text">
            <b>{group.name}</b>
            <small>{t('send.who.members', { count: group.site_count, shown: formats.number(group.site_count) })}</small>
          </span>
        </>
      )}
    </Picks>
  )
}

function Sites({ search, chosen, flip }: ListProps) {
  const { t } = useWords()
  const [limit, setLimit] = useState(FIRST)
  const query = useQuery({
    ...reads.sites({ search, limit, sort: 'club_name', order: 'asc' }),
    select: ({ data, pagination }) => ({ rows: data, total: pagination.total }),
  })
  return (
    <Picks
      label={t('send.who.sites')}
      query={query}
      idOf={(site) => String(site.id)}
      chosen={chosen}
      flip={flip}
      more={() => setLimit(limit + 12)}
      empty={<Nothing searched={search !== undefined} none={t('send.who.sites.none')} />}
    >
      {(site) => (
        <>
          <span className="pick-text">
            <b>{site.club_name}</b>
            <small>{site.site_name}</small>
          </span>
          <StateBadge state={site.display_status} />
        </>
      )}
    </Picks>
  )
}

function ChosenTargets({ chosen }: { chosen: Chosen }) {
  const { t } = useWords()
  const choose = useChoose()
  const groups = useQuery(reads.groups()).data?.groups
  const named = chosen.sites.slice(0, NAMED)
  const sites = useQueries({ queries: named.map((id) => reads.site(id)) })
  if (chosen.targets.length === 0) return null
  const rest = chosen.sites.length - named.length
  return (
    <ul className="picked-list" aria-label={t('send.who.chosen')}>
      {chosen.groups.map((id) => (
        <Chip
          key={id}
          name={groups ? (groups.find((group) => String(group.id) === id)?.name ?? t('send.who.group.gone')) : '…'}
          onDrop={() => choose.list('groups', flipped(chosen.groups, id))}
        >
          <Icon name="people" />
        </Chip>
      ))}
      {named.map((id, at) => (
        <Chip
          key={id}
          name={sites[at]?.data?.club_name ?? (isGone(sites[at]?.error) ? t('send.who.site.gone') : '…')}
          onDrop={() => choose.list('sites', flipped(chosen.sites, id))}
        >
          <Icon name="screen" />
        </Chip>
      ))}
      {rest > 0 ? <Chip name={t('send.who.rest', { count: rest })} onDrop={() => choose.list('sites', named)} /> : null}
    </ul>
  )
}
