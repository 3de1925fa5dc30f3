import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import { reads } from '~/api/reads'
import type { Site } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { ConfirmByTyping } from '~/ui/dialog'
import { toast } from '~/ui/toast'

/** Deletes a club's site; what goes with it is said in numbers before. */
export function RemoveSite({ site, close }: { site: Site; close: () => void }) {
  const words = useWords()
  const { t } = words
  const offline = useReadOnly()
  const client = useQueryClient()
  const navigate = useNavigate()
  const [busy, setBusy] = useState(false)
  const [sentence, setSentence] = useState<string>()
  const remove = async () => {
    setBusy(true)
    setSentence(undefined)
    try {
      await act('DELETE', `/api/sites/${site.id}`)
      await navigate({ to: '/sites' })
      client.removeQueries({ queryKey: reads.site(site.id).queryKey })
      void client.invalidateQueries({ queryKey: ['sites'] })
      void client.invalidateQueries({ queryKey: ['groups'] })
      toast({ kind: 'success', text: t('siteacts.removed', { club: site.club_name }) })
    } catch (error) {
      setSentence(say(error, words).sentence)
      setBusy(false)
    }
  }
  return (
    <ConfirmByTyping
      open
      onClose={close}
      title={t('siteacts.remove.title', { club: site.club_name })}
      word={site.club_name}
      act={t('siteacts.remove.act')}
      busy={busy || offline !== undefined}
      onConfirm={() => void remove()}
    >
      <Costs site={site} />
      {(sentence ?? offline) ? (
        <p className="failed error" role="alert">
          {sentence ?? offline}
        </p>
      ) : null}
    </ConfirmByTyping>
  )
}

function Costs({ site }: { site: Site }) {
  const { t, formats } = useWords()
  const inventory = useQuery(reads.siteInventory(site.id))
  const orders = useQuery(reads.siteDeployments(site.id))
  const wanted = inventory.data?.items.filter((item) => item.desired).length
  const since = formats.date(new Date(site.created_at))
  return (
    <>
      <p>{t('siteacts.remove.text')}</p>
      <ul className="costs">
        {!wanted ? null : <li>{t('siteacts.remove.videos', { count: wanted })}</li>}
        {orders.data?.length ? <li>{t('siteacts.remove.orders', { count: orders.data.length })}</li> : null}
        <li>{t('siteacts.remove.figures', { date: since })}</li>
        <li>{t('siteacts.remove.key')}</li>
      </ul>
    </>
  )
}
