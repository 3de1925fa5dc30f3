/**
 * Dialogs and sheets on the browser's own `<dialog>`: it keeps the focus inside, gives it back, and Escape closes it.
 */
import { MantineThemeProvider } from '@mantine/core'
import { useEffect, useId, useRef, useState, type ReactNode } from 'react'
import { useWords } from '~/i18n/words'
import { Icon } from './icons'
import './dialog.css'

interface DialogProps {
  open: boolean
  onClose: () => void
  title: ReactNode
  children: ReactNode
  /** The buttons, the main one last. */
  actions?: ReactNode
  /** A sheet comes from the side and leaves the page readable. */
  side?: boolean
  wide?: boolean
  /** Nothing closes it but its own buttons: for what is shown once. */
  stay?: boolean
}

export function Dialog(props: DialogProps) {
  return props.open ? <Opened {...props} /> : null
}

export function Sheet(props: Omit<DialogProps, 'side'>) {
  return <Dialog {...props} side />
}

function Opened({ onClose, title, children, actions, side, wide, stay }: DialogProps) {
  const { t } = useWords()
  const id = useId()
  const ref = useRef<HTMLDialogElement>(null)
  // What opens beside something in it belongs to it: the rest of the page is out of reach. An element would be merged as a theme is.
  const [within] = useState({ components: { Portal: { defaultProps: { target: `#${CSS.escape(`${id}-dialog`)}` } } } })
  useEffect(() => {
    const dialog = ref.current
    const before = document.activeElement
    if (dialog && !dialog.open) dialog.showModal()
    // The browser would take the cross in the corner. What is shown once is read from its title on.
    const field = `.dialog-content :is(input:not([readonly]${stay ? ', [type=checkbox]' : ''}), select, textarea, [data-autofocus])`
    const first = dialog?.querySelector<HTMLElement>(field) ?? (stay ? dialog?.querySelector<HTMLElement>('h2') : undefined)
    first?.focus()
    return () => {
      dialog?.close()
      // What opened it may be inside a menu that is gone: then the page's heading takes the focus.
      const back = before instanceof HTMLElement && before.isConnected ? before : document.querySelector('h1')
      back?.focus()
    }
  }, [stay])
  const leave = () => {
    if (!stay) onClose()
  }
  // Escape closes what is open within the dialog first, and only then the dialog.
  const inner = useRef(false)
  return (
    <dialog
      ref={ref}
      id={`${id}-dialog`}
      className={`dialog${side ? ' sheet' : ''}${wide ? ' wide' : ''}`}
      aria-labelledby={id}
      onKeyDownCapture={(event) => {
        if (event.key === 'Escape') inner.current = ref.current?.querySelector('button[aria-expanded="true"]') != null
      }}
      onCancel={(event) => {
        event.preventDefault()
        if (!inner.current) leave()
      }}
      // A browser closes a dialog at the second Escape without asking. What stands open again is not closed: strict mode
      // of development mounts twice, and the event comes late.
      onClose={() => {
        if (ref.current?.open) return
        if (stay || inner.current) ref.current?.showModal()
        else onClose()
      }}
      onMouseDown={(event) => {
        if (event.target === ref.current) leave()
      }}
    >
      <MantineThemeProvider inherit theme={within}>
        <div className="dialog-body">
          <header>
            <h2 id={id} tabIndex={-1}>
              {title}
            </h2>
            {stay ? null : (
              <button type="button" className="ib" aria-label={t('ui.close')} onClick={onClose}>
                <Icon name="close" />
              </button>
            )}
          </header>
          <div className="dialog-content">{children}</div>
          {actions ? <footer>{actions}</footer> : null}
        </div>
      </MantineThemeProvider>
    </dialog>
  )
}

interface ConfirmProps {
  open: boolean
  onClose: () => void
  /** The effect: "Supprimer le club HBC Val d'Ille ?" */
  title: string
  /** The cost, in numbers. */
  children: ReactNode
  /** What has to be typed. */
  word: string
  /** The act, with its verb. */
  act: string
  busy?: boolean
  onConfirm: () => void
}

/** For what cannot be undone: the effect is read, and its name is typed. */
export function ConfirmByTyping({ open, onClose, title, children, word, act, busy, onConfirm }: ConfirmProps) {
  const { t, rich } = useWords()
  const [typed, type] = useState('')
  const id = useId()
  const same = typed.trim().localeCompare(word.trim(), undefined, { sensitivity: 'accent' }) === 0
  useEffect(() => type(''), [open])
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    // A button that is off while it works loses the focus: if it did not work, the next try begins where it was typed.
    if (!busy && document.activeElement === document.body) input.current?.focus()
  }, [busy])
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={title}
      actions={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t('ui.keep')}
          </button>
          <button type="submit" form={id} className="btn pri dng" disabled={!same || busy}>
            {act}
          </button>
        </>
      }
    >
      <form
        id={id}
        className="form"
        onSubmit={(event) => {
          event.preventDefault()
          if (same) onConfirm()
        }}
      >
        <div>{children}</div>
        <label className="field">
          <span>{rich('ui.type_to_confirm', { word, b: (parts) => <b>{parts}</b> })}</span>
          <input ref={input} className="input" value={typed} autoComplete="off" onChange={(event) => type(event.target.value)} />
        </label>
      </form>
    </Dialog>
  )
}
