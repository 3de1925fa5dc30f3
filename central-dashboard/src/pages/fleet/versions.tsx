import { useQuery } from '@tanstack/react-query'
import { reads } from '~/api/reads'
import { useWords } from '~/i18n/words'
import { Empty, Panel } from '~/ui/page'
import { Bars } from './bars'

/** Which versions the boxes run. */
export function Versions() {
  const { t } = useWords()
  const query = useQuery(reads.siteFacets())
  return (
    <Panel
      title={t('fleet.versions')}
      note={t('fleet.versions.note')}
      query={query}
      rows={4}
      isEmpty={(data) => data.versions.length === 0}
      empty={<Empty icon="box" title={t('fleet.versions.empty')} />}
    >
      {({ versions }) => <Bars facets={versions} search={(version) => ({ version })} />}
    </Panel>
  )
}

/** Where the clubs are, when they are too many for a map. */
export function Regions() {
  const { t } = useWords()
  const query = useQuery(reads.siteFacets())
  return (
    <Panel
      title={t('fleet.regions')}
      query={query}
      rows={4}
      isEmpty={(data) => data.regions.length === 0}
      empty={<Empty icon="globe" title={t('fleet.regions.empty')} />}
    >
      {({ regions }) => <Bars facets={regions} search={(region) => ({ region })} />}
    </Panel>
  )
}
