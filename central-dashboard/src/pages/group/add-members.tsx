import { useState } from 'react'
import type { Group } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Sheet } from '~/ui/dialog'
import { SitePicker } from '../groups/site-picker'
import { useMembership } from './acts'

/** Picks clubs that are to join. */
export function AddMembers({ group, onClose }: { group: Group; onClose: () => void }) {
  const { t } = useWords()
  const blocked = useReadOnly()
  const [picked, pick] = useState<Set<string>>(new Set())
  const { add } = useMembership(group)
  return (
    <Sheet
      open
      onClose={onClose}
      title={t('group.add.title', { name: group.name })}
      actions={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t('ui.keep')}
          </button>
          <button
            type="button"
            className="btn pri"
            disabled={picked.size === 0 || add.isPending || blocked !== undefined}
            title={blocked}
            onClick={() => add.mutate([...picked], { onSuccess: onClose })}
          >
            {t('group.add.act', { count: picked.size })}
          </button>
        </>
      }
    >
      <SitePicker picked={picked} change={pick} group={group.id} />
    </Sheet>
  )
}
