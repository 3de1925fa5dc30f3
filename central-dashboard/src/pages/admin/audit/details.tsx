/** All that is known of one entry: what it was and what it is since, by whom, from where. */
import type { ReactNode } from 'react'
import type { AuditEntry } from '~/api/admin'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { fieldsOf, linesOf, parted, type Line } from './change'
import { fieldIn, valueIn } from './names'
import type { AuditSearch } from './period'

interface DetailsProps {
  entry: AuditEntry
  change: (next: Partial<AuditSearch>) => void
}

export function Details({ entry, change }: DetailsProps) {
  const { t } = useWords()
  const { before, after, said } = parted(entry)
  const lines = linesOf(before, after)
  const { target_type: targetType, target_id: targetId, user_id: userId } = entry
  return (
    <div className="details">
      {lines.length > 0 ? <Changes before={before} after={after} lines={lines} /> : null}
      {said.length > 0 ? <Said said={said} /> : null}
      <Origin entry={entry} />
      <div className="acts">
        {targetType && targetId ? (
          <button type="button" className="btn sm" onClick={() => change({ targetType, targetId })}>
            <Icon name="filter" />
            {t('audit.same_target')}
          </button>
        ) : null}
        {userId ? (
          <button type="button" className="btn sm" onClick={() => change({ userId })}>
            <Icon name="person" />
            {t('audit.same_person')}
          </button>
        ) : null}
      </div>
    </div>
  )
}

function Changes({ before, after, lines }: { before: unknown; after: unknown; lines: Line[] }) {
  const words = useWords()
  const { t } = words
  const [wasThere, isThere] = [isSaid(before), isSaid(after)]
  return (
    <div className="change-frame" tabIndex={0} role="group" aria-label={t('audit.change')}>
      <table className="change">
        <caption>{t('audit.change')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('audit.change.field')}</th>
            {wasThere ? <th scope="col">{t('audit.change.before')}</th> : null}
            {isThere ? <th scope="col">{t('audit.change.after')}</th> : null}
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.field}>
              <th scope="row">{fieldIn(words, line.field)}</th>
              {wasThere ? (
                <td>
                  <Value field={line.field} text={line.before} />
                </td>
              ) : null}
              {isThere ? (
                <td>
                  <Value field={line.field} text={line.after} />
                </td>
              ) : null}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const isSaid = (value: unknown): boolean => fieldsOf(value).size > 0

function Value({ field, text }: { field: string; text: string | undefined }) {
  const words = useWords()
  const { t } = words
  if (text === undefined || text === 'null' || text === '') return <span className="mut">{t('audit.change.empty')}</span>
  if (text === 'true' || text === 'false') return t(text === 'true' ? 'audit.change.yes' : 'audit.change.no')
  return valueIn(words, field, text)
}

function Said({ said }: { said: [string, string][] }) {
  const words = useWords()
  return (
    <dl className="facts">
      {said.map(([field, text]) => (
        <Fact key={field} name={fieldIn(words, field)}>
          <Value field={field} text={text} />
        </Fact>
      ))}
    </dl>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** The ids stand there for whoever has to look something up at the server. */
function Origin({ entry }: { entry: AuditEntry }) {
  const { t, formats } = useWords()
  const by = entry.token_id ? t('audit.by.token', { id: entry.token_id }) : entry.session_id ? t('audit.by.session', { id: entry.session_id }) : undefined
  return (
    <dl className="facts">
      <Fact name={t('audit.column.when')}>{formats.exact(new Date(entry.created_at))}</Fact>
      {entry.ip_address ? <Fact name={t('audit.column.from')}>{entry.ip_address}</Fact> : null}
      {entry.user_agent ? <Fact name={t('audit.agent')}>{entry.user_agent}</Fact> : null}
      {by ? <Fact name={t('audit.by')}>{by}</Fact> : null}
      {entry.target_id ? <Fact name={t('audit.target_id')}>{entry.target_id}</Fact> : null}
      {entry.number ? <Fact name={t('audit.number')}>{formats.number(entry.number)}</Fact> : null}
      <Fact name={t('audit.entry')}>{entry.id}</Fact>
    </dl>
  )
}
