import { useEffect, useRef, useState, type ReactNode } from 'react'

/** So many are read at once; the rest is asked for. One more than that is no reason to ask. */
const MOST = 6

interface EntriesProps<T> {
  all: readonly T[]
  /** What is said of so many more. */
  more: (count: number) => string
  children: (one: T) => ReactNode
}

/** A list that stays short until somebody wants all of it, and keeps the focus when what had it is gone. */
export function Entries<T>({ all, more, children }: EntriesProps<T>) {
  const list = useRef<HTMLUListElement>(null)
  const [whole, showWhole] = useState(false)
  const shown = whole || all.length <= MOST + 1 ? all : all.slice(0, MOST)
  const left = all.length - shown.length
  const before = useRef(all.length)
  useEffect(() => {
    const fewer = all.length < before.current
    before.current = all.length
    if (fewer && document.activeElement === document.body) list.current?.focus({ preventScroll: true })
  }, [all.length])
  const press = () => {
    list.current?.focus({ preventScroll: true })
    showWhole(true)
  }
  return (
    <>
      <ul ref={list} className="entries" tabIndex={-1}>
        {shown.map(children)}
      </ul>
      {left > 0 ? (
        <button type="button" className="btn sm entries-more" onClick={press}>
          {more(left)}
        </button>
      ) : null}
    </>
  )
}
