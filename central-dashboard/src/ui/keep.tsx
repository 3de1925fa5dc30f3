/** What is shown once has to be kept: copied, as a file, on paper. */
import { useState, type ReactNode } from 'react'
import { useWords } from '~/i18n/words'
import { Icon } from './icons'
import { saveFile } from './save-file'
import { toast } from './toast'
import './keep.css'

/** What comes out of the printer: the rest of the page stays on the screen. `title` says whose it is. */
export function Paper({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="paper">
      <h3>{title}</h3>
      {children}
    </div>
  )
}

export function CopyButton({ text, small = false }: { text: string; small?: boolean }) {
  const { t } = useWords()
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setCopied(true)
    } catch {
      toast({ kind: 'error', text: t('ui.keep.copy_failed') })
    }
  }
  return (
    <button type="button" className={small ? 'btn sm' : 'btn'} onClick={() => void copy()}>
      <Icon name={copied ? 'check' : 'copy'} />
      <span role="status">{copied ? t('ui.keep.copied') : t('ui.keep.copy')}</span>
    </button>
  )
}

/** `file` is its name, `text` what stands in it. */
export function KeepActs({ file, text }: { file: string; text: string }) {
  const { t } = useWords()
  return (
    <div className="acts">
      <CopyButton text={text} />
      <button type="button" className="btn" onClick={() => saveFile(file, 'text/plain;charset=utf-8', text)}>
        <Icon name="download" />
        {t('ui.keep.download', { file })}
      </button>
      <button type="button" className="btn" onClick={() => print()}>
        <Icon name="page" />
        {t('ui.keep.print')}
      </button>
    </div>
  )
}
