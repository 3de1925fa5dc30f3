/** What has just been done, with the way back. Errors stay until they are closed; the rest waits while it is looked at. */
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { useWords } from '~/i18n/words'
import { Icon } from './icons'
import './toast.css'

export interface Toast {
  kind: 'success' | 'error' | 'info'
  text: string
  /** Shown as "Annuler"; the toast goes when it was pressed. */
  undo?: () => void
  action?: { label: string; run: () => void }
}

type Shown = Toast & { id: number }

let shown: Shown[] = []
let last = 0
const listeners = new Set<() => void>()

function set(next: Shown[]): void {
  shown = next
  for (const tell of listeners) tell()
}

/** Says it at the edge of the screen; the newest four stay. */
export function toast(one: Toast): void {
  last += 1
  set([...shown.slice(-3), { ...one, id: last }])
}

/** Whoever leaves takes with them what was said to them. */
export const forgetToasts = (): void => set([])

const dismiss = (id: number) => set(shown.filter((one) => one.id !== id))

export function Toasts() {
  const { t } = useWords()
  const ref = useRef<HTMLDivElement>(null)
  const list = useSyncExternalStore(
    (tell) => {
      listeners.add(tell)
      return () => listeners.delete(tell)
    },
    () => shown,
  )
  // The next page may be for somebody else, or for nobody: only what went wrong has still to be said there.
  useEffect(() => () => set(shown.filter(({ kind }) => kind === 'error')), [])
  useEffect(() => {
    // Shown anew, it lies above a dialog that was opened in between.
    const region = ref.current
    if (!region) return
    region.hidePopover()
    if (list.length > 0) region.showPopover()
  }, [list])
  return (
    <div ref={ref} className="toasts" role="region" aria-label={t('ui.toasts')} popover="manual">
      {list.map((one) => (
        <One key={one.id} toast={one} />
      ))}
    </div>
  )
}

const PATIENCE = 10_000

function One({ toast: { id, kind, text, undo, action } }: { toast: Shown }) {
  const { t } = useWords()
  const [held, hold] = useState(false)
  useEffect(() => {
    if (held || kind === 'error') return
    const timer = setTimeout(() => dismiss(id), PATIENCE)
    return () => clearTimeout(timer)
  }, [held, kind, id])
  const press = (run: () => void) => () => {
    dismiss(id)
    run()
  }
  return (
    <div
      className={`toast ${kind}`}
      role={kind === 'error' ? 'alert' : 'status'}
      onMouseEnter={() => hold(true)}
      onMouseLeave={() => hold(false)}
      onFocus={() => hold(true)}
      onBlur={() => hold(false)}
    >
      <Icon name={kind === 'error' ? 'close' : 'check'} />
      <p>{text}</p>
      {action ? (
        <button type="button" className="link" onClick={press(action.run)}>
          {action.label}
        </button>
      ) : null}
      {undo ? (
        <button type="button" className="link" onClick={press(undo)}>
          {t('ui.undo')}
        </button>
      ) : null}
      <button type="button" className="toast-x" aria-label={t('ui.close')} onClick={() => dismiss(id)}>
        <Icon name="close" />
      </button>
    </div>
  )
}
