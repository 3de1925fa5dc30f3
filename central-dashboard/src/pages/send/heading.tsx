import type { ReactNode } from 'react'

/** The number of a step and its name; the steps at the top lead the focus here. */
export function Heading({ step, children }: { step: number; children: ReactNode }) {
  return (
    <span className="step-head" tabIndex={-1}>
      <i aria-hidden="true">{step}</i>
      {children}
    </span>
  )
}
