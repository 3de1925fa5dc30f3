/** From when on something is worth telling, whom it is told, and how often. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { adminReads } from '~/api/admin'
import { useUser } from '~/api/session'
import { mayRule } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { Loaded, PageHeader, PanelHead } from '~/ui/page'
import { RulesForm } from './form'
import { RulesRead } from './read'
import '../admin.css'
import './rules.css'

export function Page() {
  const { t } = useWords()
  const rules = mayRule(useUser().role)
  const query = useQuery(adminReads.alertRules())
  // What is typed stays while the settings are read again; what was saved begins a new form.
  const [round, next] = useState(0)
  const title = query.data
    ? t('alertrules.answer', { minutes: query.data.offline_minutes })
    : t('app.page.alertrules')
  return (
    <>
      <PageHeader title={title} document={t('app.page.alertrules')} acts={<SeeAlerts />}>
        {t(rules ? 'alertrules.subtitle' : 'alertrules.read_only')}
      </PageHeader>
      <div className="col">
        <Loaded query={query} rows={10}>
          {(data) =>
            rules ? <RulesForm key={round} rules={data} saved={() => next((before) => before + 1)} /> : <RulesRead rules={data} />
          }
        </Loaded>
        <Readers />
      </div>
    </>
  )
}

function SeeAlerts() {
  const { t } = useWords()
  return (
    <Link to="/alerts" className="btn">
      {t('alertrules.alerts')}
    </Link>
  )
}

/** Who is told: each decides that for himself. */
function Readers() {
  const { t } = useWords()
  const { role } = useUser()
  return (
    <section className="card">
      <PanelHead title={t('alertrules.readers')} />
      <div className="rules-readers">
        <p>{t('alertrules.readers.mail')}</p>
        <p>{t('alertrules.readers.slack')}</p>
        <p className="rules-links">
          <Link to="/profile" className="link">
            {t('alertrules.readers.own')}
          </Link>
          {mayRule(role) ? (
            <Link to="/admin/doctor" className="link">
              {t('alertrules.readers.try')}
            </Link>
          ) : null}
        </p>
      </div>
    </section>
  )
}
