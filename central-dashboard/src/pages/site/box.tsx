import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useBeat } from '~/api/beats'
import { reads } from '~/api/reads'
import type { Inventory, Site } from '~/api/types'
import { LOCALE, useWords } from '~/i18n/words'
import { nameOf, timeThere } from '../siteacts/zones'
import { Panel } from '~/ui/page'
import { Definition } from '~/ui/popover'
import { Bytes, Duration, When } from '~/ui/values'

/** The machine behind the screen, as it describes itself. */
export function BoxPanel({ site }: { site: Site }) {
  const { t } = useWords()
  const query = useQuery(reads.siteInventory(site.id))
  return (
    <Panel title={t('site.box')} query={query} rows={7}>
      {(data) => <Facts site={site} inventory={data} />}
    </Panel>
  )
}

function Facts({ site, inventory }: { site: Site; inventory: Inventory }) {
  const { t } = useWords()
  const beat = useBeat(site.id)
  const unknown = <span className="mut">{t('ui.unknown')}</span>
  const known = (value: string | number | null | undefined) => value ?? unknown
  const since = inventory.device_since
  return (
    <dl className="facts">
      <Fact name={t('site.box.model')}>{known(modelOf(site))}</Fact>
      <Fact name={t('site.box.version')}>{known(inventory.agent_version ?? site.software_version)}</Fact>
      <Fact name={t('site.box.protocol')}>{known(inventory.protocol)}</Fact>
      <Fact name={t('site.box.free')}>
        <Bytes value={inventory.free_bytes} />
      </Fact>
      {beat?.uptime == null ? null : (
        <Fact name={t('site.box.uptime')}>
          <Duration seconds={beat.uptime} />
        </Fact>
      )}
      <Fact name={t('site.box.since')} definition={t('site.box.since.definition')}>
        {since ? <When at={since} /> : unknown}
      </Fact>
      {site.time_zone ? (
        <Fact name={t('site.box.zone')} definition={t('site.box.zone.definition')}>
          <Zone zone={site.time_zone} />
        </Fact>
      ) : null}
      <Fact name={t('site.box.local')}>{known(site.local_ip)}</Fact>
      <Fact name={t('site.box.public')}>{known(site.last_ip)}</Fact>
      <Fact name={t('site.box.revision')} definition={t('site.box.revision.definition')}>
        {t('site.box.revisions', { reported: inventory.reported_revision, desired: inventory.desired_revision })}
      </Fact>
      <Fact name={t('site.box.id')}>
        <code>{site.id}</code>
      </Fact>
    </dl>
  )
}

function Fact({ name, definition, children }: { name: string; definition?: string; children: ReactNode }) {
  return (
    <div>
      <dt>
        {name}
        {definition ? <Definition>{definition}</Definition> : null}
      </dt>
      <dd>{children}</dd>
    </div>
  )
}

/** Where the club's days begin, and what the clock shows there. */
function Zone({ zone }: { zone: string }) {
  const { t, language } = useWords()
  const time = timeThere(zone, LOCALE[language], new Date())
  return <>{time ? t('site.box.zone.there', { zone: nameOf(zone), time }) : nameOf(zone)}</>
}

/** The server calls what nobody has told it `Unknown`. */
export const modelOf = ({ hardware_model: model }: Site): string | undefined =>
  model === '' || model === 'Unknown' ? undefined : model
