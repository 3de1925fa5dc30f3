/** What is shown once has to be kept: copied, as a file, on paper. */
import { useEffect, useState, type ReactNode } from 'react'
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

/** So long it stands there that something was copied; a second press says it anew. */
const SAID = 4000

interface CopyProps {
  text: string
  small?: boolean
  /** Within a line of words. */
  link?: boolean
}

export function CopyButton({ text, small = false, link = false }: CopyProps) {
  const { t } = useWords()
  const [copied, setCopied] = useState(0)
  useEffect(() => {
    if (copied === 0) return
    const timer = setTimeout(() => setCopied(0), SAID)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setCopied((times) => times + 1)
    } catch {
      toast({ kind: 'error', text: t('ui.keep.copy_failed') })
    }
  }
  return (
    <button type="button" className={link ? 'link' : small ? 'btn sm' : 'btn'} onClick={() => void copy()}>
      {link ? null : <Icon name={copied ? 'check' : 'copy'} />}
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
