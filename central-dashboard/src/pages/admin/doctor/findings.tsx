/** A list of findings: shape and word of the state, what was found, what mends it and where. */
import type { CheckState, Finding } from '~/api/admin'
import { french, useWords } from '~/i18n/words'
import { Shape, type Progress, type State } from '~/ui/state'

const SHAPES: Record<CheckState, State | Progress> = { ok: 'done', warning: 'warning', error: 'error', not_checked: 'waiting' }
const TINTS: Record<CheckState, string> = { ok: 'onc', warning: 'warnc', error: 'offc', not_checked: 'unkc' }

export function Findings({ findings }: { findings: Finding[] }) {
  return (
    <ul className="findings">
      {findings.map((finding) => (
        <One key={`${finding.id} ${finding.subject ?? ''} ${finding.found}`} finding={finding} />
      ))}
    </ul>
  )
}

function One({ finding }: { finding: Finding }) {
  const { t, language } = useWords()
  const { state, subject, fix } = finding
  // The server's sentences have plain spaces, at which a line must not end before a sign.
  const said = (text: string) => (language === 'fr' ? french(text) : text)
  return (
    <li className="finding" data-check={finding.id} data-state={state}>
      <span className={`chip status ${TINTS[state]}`}>
        <Shape state={SHAPES[state]} />
        {t(`doctor.state.${state}`)}
      </span>
      <div>
        <h3>
          {said(finding.title)}
          {subject ? <code>{subject}</code> : null}
        </h3>
        <p>{said(finding.found)}</p>
        {fix ? (
          <p className="finding-fix">
            <b>{t('doctor.fix')}</b> {said(fix)}
          </p>
        ) : null}
      </div>
      <small>{t('doctor.guide', { step: said(finding.step_words) })}</small>
    </li>
  )
}
