import { useEffect, useRef } from 'react'

/**
 * Reads a short list again when a figure changed that says what belongs into it: the stream changes rows in their places,
 * but does not tell which others come in.
 */
export function useAgain(figure: number | undefined, refetch: () => unknown): void {
  const before = useRef(figure)
  useEffect(() => {
    if (before.current !== undefined && figure !== before.current) void refetch()
    before.current = figure
  }, [figure, refetch])
}
