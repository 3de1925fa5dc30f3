/**
 * A menu beside its button, on the browser's own popover: it lies above everything, a press elsewhere or Escape closes it,
 * and the focus comes back. What cannot be done now is reached like the rest, so that its reason is read and heard.
 */
import { useEffect, useId, useRef, useState, type CSSProperties, type KeyboardEvent, type ReactNode, type RefObject } from 'react'
import { flushSync } from 'react-dom'
import { Icon, type IconName } from './icons'
import { fold } from './fold'
import './menu.css'

export interface MenuAct {
  label: string
  icon?: IconName
  danger?: boolean
  /** One of several of which one is chosen: whether it is this one. */
  chosen?: boolean
  /** The language of its label, where it is another one. */
  lang?: string
  /** Why it cannot be done now: it stays visible, with the reason. */
  reason?: string | undefined
  run: () => void
}

interface MenuButtonProps {
  acts: readonly MenuAct[]
  /** Of the button; what stands on it is `children`. */
  className: string
  /** Its name, where what stands on it does not say it. */
  label?: string
  /** What stands above the acts. */
  head?: ReactNode
  /** With the left edges in one line instead of the right ones. */
  start?: boolean
  children: ReactNode
}

export function MenuButton({ acts, className, label, head, start = false, children }: MenuButtonProps) {
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const menu = useRef<HTMLDivElement>(null)
  const last = useRef(false)
  const [place, setPlace] = useState<CSSProperties>()
  const open = place !== undefined
  useClosing(open, menu)
  const show = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
    event.preventDefault()
    last.current = event.key === 'ArrowUp'
    menu.current?.showPopover()
  }
  return (
    <>
      <button
        ref={button}
        type="button"
        id={`${id}-button`}
        className={className}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        popoverTarget={id}
        onKeyDown={show}
      >
        {children}
      </button>
      <div
        ref={menu}
        id={id}
        className="menu"
        popover="auto"
        style={place}
        // What it has is there before it is shown: nothing jumps.
        onBeforeToggle={({ newState }) => {
          if (newState === 'open') flushSync(() => setPlace(beside(button.current, acts.length, start)))
        }}
        onToggle={({ newState }) => {
          if (newState === 'closed') return setPlace(undefined)
          itemsOf(menu)
            .at(last.current ? -1 : 0)
            ?.focus()
          last.current = false
        }}
        // A row that opens when it is pressed is not meant.
        onClick={(event) => event.stopPropagation()}
      >
        {open && head ? <div className="menu-head">{head}</div> : null}
        {open ? (
          <div role="menu" aria-labelledby={`${id}-button`} onKeyDown={(event) => move(event, menu)}>
            {acts.map((act) => (
              <Item key={act.label} act={act} close={() => menu.current?.hidePopover()} />
            ))}
          </div>
        ) : null}
      </div>
    </>
  )
}

function Item({ act: { label, icon, danger, chosen, lang, reason, run }, close }: { act: MenuAct; close: () => void }) {
  const id = useId()
  const press = () => {
    if (reason !== undefined) return
    // First the focus goes back, so that whatever opens now gives it back there as well.
    close()
    run()
  }
  return (
    <button
      type="button"
      role={chosen === undefined ? 'menuitem' : 'menuitemradio'}
      aria-checked={chosen}
      aria-disabled={reason !== undefined || undefined}
      aria-labelledby={id}
      aria-describedby={reason ? `${id}-reason` : undefined}
      className={danger ? 'danger' : undefined}
      lang={lang}
      tabIndex={-1}
      onClick={press}
    >
      {icon ? <Icon name={icon} /> : null}
      <span>
        <span id={id}>{label}</span>
        {reason ? <small id={`${id}-reason`}>{reason}</small> : null}
      </span>
      {chosen ? <Icon name="check" /> : null}
    </button>
  )
}

/** What it stands beside must not move away under it. */
function useClosing(open: boolean, menu: RefObject<HTMLDivElement | null>): void {
  useEffect(() => {
    if (!open) return
    const stop = new AbortController()
    const close = ({ target }: Event) => {
      if (!(target instanceof Node) || !menu.current?.contains(target)) menu.current?.hidePopover()
    }
    addEventListener('scroll', close, { capture: true, passive: true, signal: stop.signal })
    addEventListener('resize', close, { signal: stop.signal })
    return () => stop.abort()
  }, [open, menu])
}

/** So much from the button, and at least so much from the edge of the window. */
const GAP = 6
const EDGE = 8
/** What an act takes, with a reason of two lines: only to choose a side. */
const TALL = 60

/** Below the button if there is room, else on the side that has more of it. */
function beside(button: HTMLElement | null, acts: number, start: boolean): CSSProperties {
  if (!button) return {}
  const { left, right, top, bottom } = button.getBoundingClientRect()
  const below = innerHeight - bottom
  const across = start ? { left: Math.max(left, EDGE) } : { right: Math.max(document.documentElement.clientWidth - right, EDGE) }
  return below >= acts * TALL || below >= top
    ? { ...across, top: bottom + GAP, maxHeight: below - GAP - EDGE }
    : { ...across, bottom: innerHeight - top + GAP, maxHeight: top - GAP - EDGE }
}

const itemsOf = (menu: RefObject<HTMLElement | null>) => [...(menu.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])]

/** The arrows and the first letter, as in the menus of the system; Tab leaves. */
function move(event: KeyboardEvent, menu: RefObject<HTMLElement | null>): void {
  const items = itemsOf(menu)
  const at = items.findIndex((item) => item === document.activeElement)
  const to = target(event.key, at, items)
  if (event.key === 'Tab') menu.current?.hidePopover()
  if (!to) return
  event.preventDefault()
  to.focus()
}

function target(key: string, at: number, items: HTMLElement[]): HTMLElement | undefined {
  if (key === 'ArrowDown') return items[(at + 1) % items.length]
  if (key === 'ArrowUp') return items.at(at <= 0 ? -1 : at - 1)
  if (key === 'Home' || key === 'PageUp') return items[0]
  if (key === 'End' || key === 'PageDown') return items.at(-1)
  if (key.length !== 1 || key === ' ') return undefined
  const later = [...items.slice(at + 1), ...items.slice(0, at + 1)]
  return later.find((item) => fold(item.textContent ?? '').startsWith(fold(key)))
}
