/** The largest file that the server takes; it says so whenever its library is read. */

/** What it is unless it is set otherwise (`VIDEO_MAX_MB`). */
let most = 500 * 1024 * 1024

export const mostBytes = (): number => most

export function learnMost(bytes: number | undefined): void {
  if (bytes !== undefined) most = bytes
}
