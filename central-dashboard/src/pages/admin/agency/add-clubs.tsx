import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { adminReads, type Agency } from '~/api/admin'
import { useReadOnly } from '~/app/preferences'
import { SitePicker } from '~/pages/groups/site-picker'
import { useWords } from '~/i18n/words'
import { Sheet } from '~/ui/dialog'
import { useClubs } from './acts'
import '~/pages/groups/groups.css'

/** Picks clubs that the agency is to see. */
export function AddClubs({ agency, onClose }: { agency: Agency; onClose: () => void }) {
  const { t } = useWords()
  const blocked = useReadOnly()
  const [picked, pick] = useState<Set<string>>(new Set())
  const { data } = useQuery(adminReads.agencySites(agency.id))
  const members = new Set(data?.sites.map((site) => site.id))
  const added = [...picked].filter((id) => !members.has(id))
  const { add } = useClubs(agency)
  return (
    <Sheet
      open
      onClose={onClose}
      title={t('agency.add.title', { name: agency.name })}
      actions={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t('ui.keep')}
          </button>
          <button
            type="button"
            className="btn pri"
            disabled={added.length === 0 || add.isPending || blocked !== undefined}
            title={blocked}
            onClick={() => add.mutate(added, { onSuccess: onClose })}
          >
            {t('agency.add.act', { count: added.length })}
          </button>
        </>
      }
    >
      <SitePicker picked={picked} change={pick} there={{ ids: members, said: t('agency.add.there') }} />
    </Sheet>
  )
}
