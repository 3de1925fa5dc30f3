/** How findings are put in order, without drawing them. */
import type { CheckState, Finding } from '~/api/admin'

/** The worst first: that is what one looks for. */
export const STATES: readonly CheckState[] = ['error', 'warning', 'ok', 'not_checked']

/** The findings by what they are about, in the server's order; perhaps only those of one state. */
export function grouped(findings: readonly Finding[], state?: CheckState): [Finding['group'], Finding[]][] {
  const groups = new Map<Finding['group'], Finding[]>()
  for (const finding of findings) {
    if (state && finding.state !== state) continue
    const own = groups.get(finding.group)
    if (own) own.push(finding)
    else groups.set(finding.group, [finding])
  }
  return [...groups]
}

/** How many of them ask somebody to do something. */
export const worthMending = (findings: readonly Finding[]): number =>
  findings.filter(({ state }) => state === 'error' || state === 'warning').length
