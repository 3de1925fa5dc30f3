import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { reads } from '~/api/reads'
import { useUser } from '~/api/session'
import type { Inventory, Site } from '~/api/types'
import { mayWrite } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { Empty, Panel } from '~/ui/page'
import { Shape } from '~/ui/state'
import { Age, Bytes } from '~/ui/values'
import { reasonOf } from '~/reasons/reason'
import { drifts, SHAPE, sorted, standing, type Item } from './drift'

const FIRST = 8

/** What is wanted on the box and what is there; the differences first, each with its reason. */
export function ContentPanel({ site }: { site: Site }) {
  const { t } = useWords()
  const query = useQuery(reads.siteInventory(site.id))
  return (
    <Panel
      title={t('site.content')}
      note={query.data ? <Reported inventory={query.data} /> : undefined}
      query={query}
      rows={6}
      isEmpty={(data) => data.items.length === 0}
      empty={<Nothing site={site} />}
    >
      {(data) => <List inventory={data} />}
    </Panel>
  )
}

function Reported({ inventory }: { inventory: Inventory }) {
  const { t } = useWords()
  if (!inventory.reported_at) return t('site.content.never_reported')
  return (
    <>
      {t('site.content.reported')} <Age at={inventory.reported_at} />
    </>
  )
}

function Nothing({ site }: { site: Site }) {
  const { t } = useWords()
  const writes = mayWrite(useUser().role)
  return (
    <Empty
      icon="video"
      title={t('site.content.empty')}
      action={
        writes ? (
          <Link to="/send" search={{ sites: site.id }} className="btn">
            {t('site.send')}
          </Link>
        ) : undefined
      }
    >
      {t('site.content.empty.text')}
    </Empty>
  )
}

function List({ inventory }: { inventory: Inventory }) {
  const { t, formats } = useWords()
  const [all, showAll] = useState(false)
  const items = sorted(inventory.items, formats.compare)
  const wanted = items.filter((item) => item.desired)
  const there = wanted.filter((item) => standing(item) === 'there').length
  const shown = all ? items : items.slice(0, Math.max(FIRST, items.filter(drifts).length > FIRST ? FIRST * 2 : FIRST))
  return (
    <>
      <p className="content-sum">{t('site.content.sum', { there, count: wanted.length })}</p>
      <ul className="lines">
        {shown.map((item) => (
          <Line key={item.video_id} item={item} />
        ))}
      </ul>
      {shown.length < items.length ? (
        <button type="button" className="link" onClick={() => showAll(true)}>
          {t('site.content.all', { count: items.length })}
        </button>
      ) : null}
    </>
  )
}

function Line({ item }: { item: Item }) {
  const { t } = useWords()
  const reason = reasonOf(item, useWords())
  const stands = standing(item)
  const title = item.title ?? t('site.content.deleted')
  return (
    <li className={stands === 'failed' ? 'line bad' : 'line'}>
      <Shape state={SHAPE[stands]} />
      <div>
        {item.title ? (
          <Link to="/content/$id" params={{ id: item.video_id }}>
            <b>{title}</b>
          </Link>
        ) : (
          <b>{title}</b>
        )}
        <small>{reason ?? t(`site.standing.${stands}.text`)}</small>
      </div>
      <span className="line-end">
        <span>{stands === 'downloading' && item.progress ? t('site.progress', { percent: item.progress }) : t(`site.standing.${stands}`)}</span>
        <small>
          <Bytes value={item.file_size} />
        </small>
      </span>
    </li>
  )
}
