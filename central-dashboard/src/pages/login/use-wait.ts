import { useEffect, useState } from 'react'

/** Counts the seconds down that the server asked to wait. */
export function useWait() {
  const [seconds, set] = useState(0)
  useEffect(() => {
    if (seconds <= 0) return
    const timer = setTimeout(() => set(seconds - 1), 1000)
    return () => clearTimeout(timer)
  }, [seconds])
  return { seconds, begin: set }
}
