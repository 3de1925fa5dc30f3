/** Theme and language: in the top bar, and on the login page. */
import { THEMES, useTheme } from '~/app/preferences'
import { LANGUAGES, speak, useWords, type Language } from '~/i18n/words'
import { Icon, type IconName } from '~/ui/icons'
import { MenuButton } from '~/ui/menu'

const THEME_ICON: Record<string, IconName> = { light: 'sun', dark: 'moon', auto: 'auto' }

export function ThemeMenu() {
  const { t } = useWords()
  const { theme, setTheme } = useTheme()
  const icon = (one: string) => THEME_ICON[one] ?? 'auto'
  return (
    <MenuButton
      className="ib"
      label={t('app.theme')}
      acts={THEMES.map((one) => ({ label: t(`app.theme.${one}`), icon: icon(one), chosen: one === theme, run: () => setTheme(one) }))}
    >
      <Icon name={icon(theme)} />
    </MenuButton>
  )
}

/** A language is written in itself. */
export const LANGUAGE_NAMES: Record<Language, string> = { fr: 'Français', en: 'English', es: 'Español' }

export function LanguageMenu() {
  const { t, language } = useWords()
  return (
    <MenuButton
      className="ib lang"
      acts={LANGUAGES.map((one) => ({ label: LANGUAGE_NAMES[one], lang: one, chosen: one === language, run: () => void speak(one) }))}
    >
      <span>{language.toUpperCase()}</span>
      <span className="vh">{t('app.language', { name: LANGUAGE_NAMES[language] })}</span>
    </MenuButton>
  )
}
