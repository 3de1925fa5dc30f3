/** The entries of one page; each opens to all that is known of it. */
import { Link } from '@tanstack/react-router'
import { Fragment, useId, useState } from 'react'
import type { AuditEntry } from '~/api/admin'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Shape } from '~/ui/state'
import { toggled } from '~/ui/table'
import { When } from '~/ui/values'
import { Details } from './details'
import { actionIn, kindIn, placeOf } from './names'
import type { AuditSearch } from './period'

const COLUMNS = ['when', 'person', 'action', 'target', 'from', 'seal'] as const

interface EntriesProps {
  entries: AuditEntry[]
  change: (next: Partial<AuditSearch>) => void
}

export function Entries({ entries, change }: EntriesProps) {
  const { t } = useWords()
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const toggle = (id: string) => setOpen((before) => toggled(before, id))
  return (
    <div className="table-frame">
      <table className="table" role="table">
        <caption className="vh">{t('app.page.audit')}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {COLUMNS.map((name) => (
              <th key={name} scope="col" role="columnheader">
                {t(`audit.column.${name}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {entries.map((entry) => (
            <Entry key={entry.id} entry={entry} open={open.has(entry.id)} toggle={() => toggle(entry.id)} change={change} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface EntryProps {
  entry: AuditEntry
  open: boolean
  toggle: () => void
  change: EntriesProps['change']
}

function Entry({ entry, open, toggle, change }: EntryProps) {
  const words = useWords()
  const { t } = words
  const id = useId()
  return (
    <Fragment>
      <tr role="row" className={open ? 'entry opened' : 'entry'} onClick={(event) => onRow(event) && toggle()}>
        <td role="cell" className="entry-when">
          <button type="button" className="unfold" aria-expanded={open} aria-controls={id} onClick={toggle}>
            <Icon name={open ? 'down' : 'right'} />
            <span className="vh">{t('audit.details', { action: actionIn(words, entry.action) })}</span>
          </button>
          <When at={entry.created_at} />
        </td>
        <td role="cell" className="entry-person">
          <Person entry={entry} />
        </td>
        <td role="cell" className="entry-action">
          <b>{actionIn(words, entry.action)}</b>
        </td>
        <td role="cell" className="entry-target">
          <Target entry={entry} />
        </td>
        <td role="cell" className="entry-from">
          {entry.ip_address ?? <span className="mut">{t('ui.unknown')}</span>}
        </td>
        <td role="cell" className="entry-seal">
          <span className={entry.sealed ? 'state' : 'state mut'}>
            {entry.sealed ? <Icon name="lock" /> : <Shape state="waiting" />}
            {t(entry.sealed ? 'audit.sealed' : 'audit.unsealed')}
          </span>
        </td>
      </tr>
      {open ? (
        <tr role="row" className="entry-details">
          <td role="cell" colSpan={COLUMNS.length} id={id}>
            <Details entry={entry} change={change} />
          </td>
        </tr>
      ) : null}
    </Fragment>
  )
}

/** A press anywhere on a row opens it, unless it was for something in it, or a text was marked. */
function onRow(event: React.MouseEvent): boolean {
  return !(event.target as HTMLElement).closest('a, button') && !getSelection()?.toString()
}

function Person({ entry }: { entry: AuditEntry }) {
  const { t } = useWords()
  if (entry.user_email) return entry.user_email
  // A login that failed has nobody; a job of the server neither.
  const why = entry.erased ? 'audit.person.erased' : entry.user_id ? 'audit.person.gone' : 'audit.person.none'
  return <span className="mut">{t(why)}</span>
}

function Target({ entry }: { entry: AuditEntry }) {
  const words = useWords()
  const { target_type: kind, target_id: id, target_name: name } = entry
  if (!kind) return <span className="mut">{words.t('audit.target.none')}</span>
  return (
    <>
      <span className="mut">{kindIn(words, kind)}</span> <Name kind={kind} id={id} name={name} />
    </>
  )
}

/** Leads to what was meant, where that has a page; an account stands in the list of them. */
function Name({ kind, id, name }: { kind: string; id: string | null | undefined; name: string | null | undefined }) {
  const place = placeOf(kind, id)
  if (!name) return null
  if (kind === 'user') {
    return (
      <Link to="/admin/users" search={{ search: name }} className="link">
        {name}
      </Link>
    )
  }
  return place ? (
    <Link to={place} className="link">
      {name}
    </Link>
  ) : (
    name
  )
}
