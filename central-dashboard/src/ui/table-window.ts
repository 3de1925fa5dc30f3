/** Which rows of a long list are drawn, and what keeps the others from costing anything. */
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useLayoutEffect, useMemo, useRef, useState, type RefObject } from 'react'

/** So many rows are simply drawn. */
export const FEW = 60
/** Rows beyond the edges, so that there is something when one scrolls on. */
const BEYOND = 8

/** The rows that are drawn, the heights of what is left out before and behind them, and how to come to a row. */
export function useWindow(frame: RefObject<HTMLElement | null>, count: number, height: number) {
  const offset = useOffset(frame)
  const virtual = useWindowVirtualizer({
    count,
    estimateSize: useCallback(() => height, [height]),
    overscan: BEYOND,
    scrollMargin: offset,
    // A frame that comes a little later is better than one that the scrolling waits for.
    useFlushSync: false,
  })
  const latest = useRef(virtual)
  latest.current = virtual
  const reveal = useCallback((index: number) => latest.current.scrollToIndex(index, { align: 'auto' }), [])
  const few = count <= FEW
  const shown = few ? undefined : virtual.getVirtualItems()
  const first = shown?.[0]?.index ?? 0
  const last = shown ? (shown[shown.length - 1]?.index ?? -1) : count - 1
  const items = useMemo(() => Array.from({ length: last - first + 1 }, (_, at) => first + at), [first, last])
  return { items, reveal, before: first * height, after: Math.max(0, count - 1 - last) * height }
}

/** Where the list begins on the page. What stands above may grow: then the page grows, and it is measured again. */
function useOffset(frame: RefObject<HTMLElement | null>): number {
  const [offset, setOffset] = useState(0)
  useLayoutEffect(() => {
    const measure = () => {
      if (frame.current) setOffset(Math.round(frame.current.getBoundingClientRect().top + scrollY))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    for (let part = frame.current; part && part !== document.body; part = part.parentElement) {
      for (const before of siblingsBefore(part)) observer.observe(before)
    }
    return () => observer.disconnect()
  }, [frame])
  return offset
}

function siblingsBefore(element: Element): Element[] {
  const before = element.previousElementSibling
  return before ? [before, ...siblingsBefore(before)] : []
}

/**
 * Keeps the columns of a long list as wide as the first rows made them; what can grow has a width of its own. They do not jump while other rows come by, and every
 * row is laid out by itself (`.table.still`): a table that measures all its cells for each of them is not fluid.
 */
export function useStillColumns(frame: RefObject<HTMLElement | null>, columns: unknown, on: boolean): void {
  useLayoutEffect(() => {
    const place = frame.current
    const table = place?.querySelector('table')
    if (!on || !place || !table) return
    let width = 0
    const hold = () => {
      if (place.clientWidth === width) return
      width = place.clientWidth
      table.classList.remove('still')
      const widths = [...table.querySelectorAll('th')].map((head) => head.getBoundingClientRect().width)
      // Columns that give way on narrow screens are no part of it.
      table.style.setProperty('--columns', widths.flatMap((one) => (one > 0 ? [`${one}px`] : [])).join(' '))
      table.classList.add('still')
    }
    hold()
    const observer = new ResizeObserver(hold)
    observer.observe(place)
    return () => {
      observer.disconnect()
      table.classList.remove('still')
    }
  }, [frame, columns, on])
}
