import { useBlocker } from '@tanstack/react-router'
import { useState } from 'react'
import type { SiteWithKey } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { Check } from '~/ui/form'
import { KeepActs, Paper } from '~/ui/keep'
import { siteConf } from './site-conf'
import './siteacts.css'

/** The key of a box, this once: nothing closes it before somebody says that it is kept. */
export function KeySheet({ site, onDone, next }: { site: SiteWithKey; onDone: () => void; next: string }) {
  const { t, rich } = useWords()
  const [noted, note] = useState(false)
  const text = siteConf(site)
  useBlocker({ shouldBlockFn: () => !noted, enableBeforeUnload: () => !noted })
  return (
    <Dialog
      open
      stay
      wide
      onClose={() => undefined}
      title={t('siteacts.key.title', { club: site.club_name })}
      actions={
        <button type="button" className="btn pri" disabled={!noted} onClick={onDone}>
          {next}
        </button>
      }
    >
      <div className="form">
        <p>{rich('siteacts.key.text', { b: (parts) => <b>{parts}</b>, code: (parts) => <code>{parts}</code> })}</p>
        <Paper title={t('siteacts.key.print', { club: site.club_name, site: site.site_name })}>
          <pre className="conf" tabIndex={0} aria-label={t('siteacts.key.file')}>
            {text}
          </pre>
        </Paper>
        <KeepActs file="site.conf" text={text} />
        <Check label={t('siteacts.key.noted')} checked={noted} onChange={(event) => note(event.target.checked)} />
      </div>
    </Dialog>
  )
}
