import { useBlocker } from '@tanstack/react-router'
import { useState } from 'react'
import type { SiteWithKey } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { Check } from '~/ui/form'
import { Icon } from '~/ui/icons'
import { saveFile } from '~/ui/save-file'
import { toast } from '~/ui/toast'
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
        <div className="key-print">
          <h3>{t('siteacts.key.print', { club: site.club_name, site: site.site_name })}</h3>
          <pre className="conf" tabIndex={0} aria-label={t('siteacts.key.file')}>
            {text}
          </pre>
        </div>
        <KeyActs text={text} />
        <Check label={t('siteacts.key.noted')} checked={noted} onChange={(event) => note(event.target.checked)} />
      </div>
    </Dialog>
  )
}

function KeyActs({ text }: { text: string }) {
  const { t } = useWords()
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setCopied(true)
    } catch {
      toast({ kind: 'error', text: t('siteacts.key.copy_failed') })
    }
  }
  return (
    <div className="acts">
      <button type="button" className="btn" onClick={() => void copy()}>
        <Icon name={copied ? 'check' : 'copy'} />
        <span role="status">{copied ? t('siteacts.key.copied') : t('siteacts.key.copy')}</span>
      </button>
      <button type="button" className="btn" onClick={() => saveFile('site.conf', 'text/plain;charset=utf-8', text)}>
        <Icon name="download" />
        {t('siteacts.key.download')}
      </button>
      <button type="button" className="btn" onClick={() => print()}>
        <Icon name="page" />
        {t('siteacts.key.print_it')}
      </button>
    </div>
  )
}
