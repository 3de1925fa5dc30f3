/** One agency: whom one calls, who logs in for it, and which clubs it sees. */
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { adminReads, type Agency } from '~/api/admin'
import { isGone } from '~/api/errors'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Empty, Failed, PageHeader, PanelHead, Skeleton } from '~/ui/page'
import { MoreMenu } from '~/ui/popover'
import { DeleteAgency } from '../agencies/delete'
import { AgencyForm } from '../agencies/form'
import { StandingBadge } from '../users/badges'
import { AddClubs } from './add-clubs'
import { Clubs } from './clubs'
import { People } from './people'
import '~/pages/group/group.css'
import '../admin.css'
import './agency.css'

const route = getRouteApi('/shell/admin/agencies/$id')
type Open = 'add' | 'edit' | 'delete'

export function Page() {
  const { t } = useWords()
  const { id } = route.useParams()
  const query = useQuery(adminReads.agency(id))
  const agency = query.data
  const [open, setOpen] = useState<Open>()
  if (!agency && isGone(query.error)) return <Gone />
  // The heading stays the same element while the agency comes: it has the focus after one arrived.
  return (
    <>
      <PageHeader
        title={agency ? <Name agency={agency} /> : t('app.page.agencies')}
        document={agency?.name}
        crumb={agency?.name}
        acts={agency ? <Acts setOpen={setOpen} /> : null}
      >
        {agency?.description}
      </PageHeader>
      {agency ? (
        <Whole agency={agency} open={open} setOpen={setOpen} />
      ) : (
        <section className="card">
          {query.error ? <Failed error={query.error} retry={() => void query.refetch()} /> : <Skeleton rows={6} />}
        </section>
      )}
    </>
  )
}

function Name({ agency }: { agency: Agency }) {
  const { t } = useWords()
  return (
    <>
      {agency.name}
      {agency.status === 'active' ? null : (
        <span className="chip">
          <StandingBadge standing={agency.status} said={t(`agencies.standing.${agency.status}`)} />
        </span>
      )}
    </>
  )
}

function Gone() {
  const { t } = useWords()
  return (
    <>
      <PageHeader title={t('agency.gone')} />
      <section className="card">
        <Empty
          icon="building"
          title={t('agency.gone.why')}
          action={
            <Link to="/admin/agencies" className="btn">
              {t('agency.gone.back')}
            </Link>
          }
        />
      </section>
    </>
  )
}

function Acts({ setOpen }: { setOpen: (open: Open) => void }) {
  const { t } = useWords()
  const blocked = useReadOnly()
  return (
    <>
      <AddButton onAdd={() => setOpen('add')} main />
      <MoreMenu
        acts={[
          { label: t('agencies.edit'), icon: 'pen', reason: blocked, run: () => setOpen('edit') },
          { label: t('agencies.delete'), icon: 'bin', danger: true, reason: blocked, run: () => setOpen('delete') },
        ]}
      />
    </>
  )
}

function AddButton({ onAdd, main = false }: { onAdd: () => void; main?: boolean }) {
  const { t } = useWords()
  const blocked = useReadOnly()
  return (
    <button type="button" className={main ? 'btn pri' : 'btn'} disabled={blocked !== undefined} title={blocked} onClick={onAdd}>
      <Icon name="plus" />
      {t('agency.add')}
    </button>
  )
}

function Whole({ agency, open, setOpen }: { agency: Agency; open: Open | undefined; setOpen: (open?: Open) => void }) {
  const navigate = useNavigate()
  const close = () => setOpen(undefined)
  return (
    <>
      <div className="row s1 agency-top">
        <People agency={agency} />
        <Contact agency={agency} />
      </div>
      <Clubs agency={agency} add={<AddButton onAdd={() => setOpen('add')} />} />
      {open === 'add' ? <AddClubs agency={agency} onClose={close} /> : null}
      {open === 'edit' ? <AgencyForm agency={agency} onClose={close} /> : null}
      {open === 'delete' ? <Removal agency={agency} onClose={close} onDone={() => void navigate({ to: '/admin/agencies' })} /> : null}
    </>
  )
}

/** The agency alone does not say how many clubs it has: those of the page do. */
function Removal({ agency, onClose, onDone }: { agency: Agency; onClose: () => void; onDone: () => void }) {
  const { data } = useQuery(adminReads.agencySites(agency.id))
  return <DeleteAgency agency={{ ...agency, site_count: data?.total ?? 0 }} onClose={onClose} onDone={onDone} />
}

function Contact({ agency }: { agency: Agency }) {
  const { t } = useWords()
  const { contact_name: name, contact_email: email, contact_phone: phone } = agency
  return (
    <section className="card">
      <PanelHead title={t('agencies.column.contact')} />
      {name || email || phone ? (
        <ul className="contact">
          {name ? <li>{name}</li> : null}
          {email ? (
            <li>
              <a className="link" href={`mailto:${email}`}>
                {email}
              </a>
            </li>
          ) : null}
          {phone ? (
            <li>
              <a className="link" href={`tel:${phone.replace(/[^\d+]/g, '')}`}>
                {phone}
              </a>
            </li>
          ) : null}
        </ul>
      ) : (
        <p className="mut">{t('agencies.no_contact')}</p>
      )}
    </section>
  )
}
