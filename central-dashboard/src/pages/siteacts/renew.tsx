import { useState } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import type { Site, SiteWithKey } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { ConfirmByTyping } from '~/ui/dialog'
import { KeySheet } from './key-sheet'

/** A new key: the old one is worthless at once, so its effect is read and typed before. */
export function RenewKey({ site, close }: { site: Site; close: () => void }) {
  const words = useWords()
  const { t } = words
  const offline = useReadOnly()
  const [made, setMade] = useState<SiteWithKey>()
  const [busy, setBusy] = useState(false)
  const [sentence, setSentence] = useState<string>()
  const renew = async () => {
    setBusy(true)
    setSentence(undefined)
    try {
      setMade(await act<SiteWithKey>('POST', `/api/sites/${site.id}/regenerate-key`))
    } catch (error) {
      setSentence(say(error, words).sentence)
    } finally {
      setBusy(false)
    }
  }
  if (made) return <KeySheet site={made} onDone={close} next={t('siteacts.key.close')} />
  return (
    <ConfirmByTyping
      open
      onClose={close}
      title={t('siteacts.renew.title', { club: site.club_name })}
      word={site.club_name}
      act={t('siteacts.renew')}
      busy={busy || offline !== undefined}
      onConfirm={() => void renew()}
    >
      <p>{t(site.display_status === 'online' ? 'siteacts.renew.online' : 'siteacts.renew.offline')}</p>
      {(sentence ?? offline) ? (
        <p className="failed error" role="alert">
          {sentence ?? offline}
        </p>
      ) : null}
    </ConfirmByTyping>
  )
}
