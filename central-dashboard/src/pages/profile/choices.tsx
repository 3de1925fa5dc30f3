import { own } from '~/api/account'
import { say } from '~/api/errors'
import { THEMES, useTheme } from '~/app/preferences'
import { LANGUAGE_NAMES } from '~/app/shell/choices'
import { LANGUAGES, speak, useWords, words, type Language } from '~/i18n/words'
import { SelectField } from '~/ui/form'
import { PanelHead } from '~/ui/page'
import { toast } from '~/ui/toast'

/** Language and theme, as in the top bar: they take effect at once. */
export function ChoicesPanel() {
  const { t, language } = useWords()
  const { theme, setTheme } = useTheme()
  const choose = async (next: Language) => {
    await speak(next)
    try {
      await own.writeIn(next)
    } catch (error) {
      toast({ kind: 'error', text: say(error, words()).sentence })
    }
  }
  return (
    <section className="card">
      <PanelHead title={t('profile.choices')} />
      <div className="form">
        <SelectField
          label={t('profile.language')}
          name="language"
          value={language}
          onChange={(event) => void choose(event.target.value as Language)}
        >
          {LANGUAGES.map((one) => (
            <option key={one} value={one} lang={one}>
              {LANGUAGE_NAMES[one]}
            </option>
          ))}
        </SelectField>
        <SelectField
          label={t('app.theme')}
          name="theme"
          value={theme}
          onChange={(event) => setTheme(THEMES.find((one) => one === event.target.value) ?? 'auto')}
        >
          {THEMES.map((one) => (
            <option key={one} value={one}>
              {t(`app.theme.${one}`)}
            </option>
          ))}
        </SelectField>
        <p className="mut small">{t('profile.choices.where')}</p>
      </div>
    </section>
  )
}
