import { useWords } from '~/i18n/words'
import { Check } from '~/ui/form'
import { KeepActs, Paper } from '~/ui/keep'
import './account.css'

interface BackupCodesProps {
  codes: string[]
  /** Whose they are: it stands on the paper and in the file. */
  email: string
  noted: boolean
  onNoted: (noted: boolean) => void
}

/** The way in without the application. They are shown once, so somebody has to say that they are kept. */
export function BackupCodes({ codes, email, noted, onNoted }: BackupCodesProps) {
  const { t } = useWords()
  const title = t('account.backup.print', { email })
  return (
    <div className="form">
      <p>{t('account.backup.text', { count: codes.length })}</p>
      <Paper title={title}>
        <ol className="conf backup-codes" aria-label={t('account.backup')}>
          {codes.map((code) => (
            <li key={code} translate="no">
              {code}
            </li>
          ))}
        </ol>
      </Paper>
      <KeepActs file={t('account.backup.file')} text={[title, '', ...codes, ''].join('\n')} />
      <Check label={t('account.backup.noted')} checked={noted} onChange={(event) => onNoted(event.target.checked)} />
    </div>
  )
}
