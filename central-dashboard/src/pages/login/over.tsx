import { useWords } from '~/i18n/words'
import { ErrorSummary } from '~/ui/form'

/** What the password has opened is shut again: too late, or too often the wrong code. */
export function Over({ sentence, again }: { sentence: string; again: () => void }) {
  const { t } = useWords()
  return (
    <div className="form">
      <ErrorSummary problems={{}} sentence={sentence} />
      <button type="button" className="btn pri login-go" onClick={again}>
        {t('login.again')}
      </button>
    </div>
  )
}
