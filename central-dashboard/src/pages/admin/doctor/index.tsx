/** What is wrong with the installation, what mends it, and at which step of the guide. */
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { adminReads, type CheckState, type Diagnosis, type Finding } from '~/api/admin'
import { useWords } from '~/i18n/words'
import { FilterSelect } from '~/ui/filters'
import { Icon } from '~/ui/icons'
import { Empty, Loaded, PageHeader, PanelHead } from '~/ui/page'
import { Age } from '~/ui/values'
import { grouped, STATES, worthMending } from './finding'
import { Findings } from './findings'
import { SendDialog } from './send'
import './doctor.css'

const route = getRouteApi('/shell/admin/doctor')

export function Page() {
  const { t, language } = useWords()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useQuery(adminReads.doctor(language))
  const [sends, setSends] = useState(false)
  const only = (state: string | undefined) => void navigate({ search: { state }, replace: true, resetScroll: false })
  return (
    <>
      <PageHeader
        title={query.data ? t('doctor.answer', { errors: query.data.errors, warnings: query.data.warnings }) : t('app.page.doctor')}
        document={t('app.page.doctor')}
        acts={
          <>
            <button type="button" className="btn" onClick={() => setSends(true)}>
              <Icon name="send" />
              {t('doctor.send')}
            </button>
            <button type="button" className="btn" disabled={query.isFetching} onClick={() => void query.refetch()}>
              <Icon name="again" />
              {query.isFetching ? t('doctor.busy') : t('doctor.again')}
            </button>
          </>
        }
      >
        <Subtitle diagnosis={query.data} />
      </PageHeader>
      <div className="filters">
        <States diagnosis={query.data} value={search.state} change={only} />
      </div>
      <Loaded query={query} rows={12}>
        {({ findings }) => <Groups findings={findings} state={search.state as CheckState | undefined} clear={() => only(undefined)} />}
      </Loaded>
      {sends ? <SendDialog close={() => setSends(false)} /> : null}
    </>
  )
}

function Subtitle({ diagnosis }: { diagnosis: Diagnosis | undefined }) {
  const { t, rich } = useWords()
  if (!diagnosis) return t('doctor.subtitle')
  return rich('doctor.checked', { age: <Age at={diagnosis.checked_at} />, version: diagnosis.version, seconds: diagnosis.fresh_seconds })
}

function States(props: { diagnosis: Diagnosis | undefined; value: string | undefined; change: (state: string | undefined) => void }) {
  const { t } = useWords()
  const { diagnosis, value, change } = props
  const count = (state: CheckState) => diagnosis?.findings.filter((finding) => finding.state === state).length ?? 0
  const choices = STATES.map((state) => ({ value: state, label: t(`doctor.state.${state}`), count: count(state) }))
  return <FilterSelect label={t('doctor.filter')} choices={choices} value={value} onChange={change} />
}

function Groups(props: { findings: Finding[]; state: CheckState | undefined; clear: () => void }) {
  const { t } = useWords()
  const { findings, state, clear } = props
  const groups = grouped(findings, state)
  if (groups.length === 0) {
    return (
      <section className="card">
        <Empty
          title={t('doctor.none')}
          action={
            <button type="button" className="btn sm" onClick={clear}>
              {t('ui.table.clear')}
            </button>
          }
        />
      </section>
    )
  }
  return (
    <div className="col">
      {groups.map(([group, own]) => (
        <section className="card" key={group}>
          <PanelHead title={t(`doctor.group.${group}`)} note={t('doctor.group.note', { count: worthMending(own) })} />
          <Findings findings={own} />
        </section>
      ))}
    </div>
  )
}
