/** The keyboard: one listener, the innermost part that wants a key gets it. All of it can be turned off. */
import { useEffect, useRef } from 'react'

export type Keys = Record<string, (event: KeyboardEvent) => void>

const stack: { current: Keys }[] = []
const OFF = 'neopro.shortcuts'
let first = ''
let firstAt = 0

export function shortcutsOn(): boolean {
  try {
    return localStorage.getItem(OFF) !== 'off'
  } catch {
    return true
  }
}

export function turnShortcuts(on: boolean): void {
  try {
    if (on) localStorage.removeItem(OFF)
    else localStorage.setItem(OFF, 'off')
  } catch {
    // Storage is off: they stay on.
  }
}

/** Keys of a part of the page while it is there: `{ j: …, 'g p': …, Enter: … }`. */
export function useShortcuts(keys: Keys): void {
  const ref = useRef(keys)
  useEffect(() => {
    ref.current = keys
  })
  useEffect(() => {
    if (stack.length === 0) document.addEventListener('keydown', onKey)
    stack.push(ref)
    return () => {
      stack.splice(stack.indexOf(ref), 1)
      if (stack.length === 0) document.removeEventListener('keydown', onKey)
    }
  }, [])
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey) return
  // The palette is no single letter: it works everywhere and cannot be turned off.
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') return press('ctrl+k', event)
  // Out of the field in which a list is searched, back to the list.
  if (event.key === 'Escape' && event.target instanceof HTMLElement && event.target.matches('[data-list-search]')) {
    event.target.blur()
    return
  }
  if (event.ctrlKey || event.metaKey || !shortcutsOn() || isTyping(event) || dialogIsOpen()) return
  const pair = `${first} ${event.key}`
  const inTime = first !== '' && event.timeStamp - firstAt < 1500
  first = ''
  if (inTime && wanted(pair)) return press(pair, event)
  if (event.key === 'g') {
    first = 'g'
    firstAt = event.timeStamp
    return
  }
  // A button or a link has its own Enter.
  if (event.key === 'Enter' && isControl(event)) return
  press(event.key, event)
}

function press(key: string, event: KeyboardEvent): void {
  const run = wanted(key)
  if (!run) return
  event.preventDefault()
  run(event)
}

function wanted(key: string): ((event: KeyboardEvent) => void) | undefined {
  for (let at = stack.length - 1; at >= 0; at -= 1) {
    const run = stack[at]?.current[key]
    if (run) return run
  }
  return undefined
}

const dialogIsOpen = () => document.querySelector('dialog[open]') !== null

function isTyping(event: KeyboardEvent): boolean {
  const at = event.target
  if (!(at instanceof HTMLElement)) return false
  if (at instanceof HTMLInputElement) return !['checkbox', 'radio', 'button'].includes(at.type)
  return at.isContentEditable || at.matches('textarea, select, [role="combobox"], [role="menu"] *, [role="listbox"] *')
}

const isControl = (event: KeyboardEvent) =>
  event.target instanceof HTMLElement && event.target.closest('a, button, [role="menuitem"], input') !== null
