/** Theme and language: in the top bar, and on the login page. */
import { Menu } from '@mantine/core'
import { THEMES, useTheme } from '~/app/preferences'
import { LANGUAGES, speak, useWords, type Language } from '~/i18n/words'
import { Icon, type IconName } from '~/ui/icons'

const THEME_ICON: Record<string, IconName> = { light: 'sun', dark: 'moon', auto: 'auto' }

export function ThemeMenu() {
  const { t } = useWords()
  const { theme, setTheme } = useTheme()
  return (
    <Menu position="bottom-end" width={190}>
      <Menu.Target>
        <button type="button" className="ib" aria-label={t('app.theme')}>
          <Icon name={THEME_ICON[theme] ?? 'auto'} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {THEMES.map((one) => (
          <Menu.Item
            key={one}
            role="menuitemradio"
            aria-checked={one === theme}
            leftSection={<Icon name={THEME_ICON[one] ?? 'auto'} />}
            rightSection={one === theme ? <Icon name="check" /> : undefined}
            onClick={() => setTheme(one)}
          >
            {t(`app.theme.${one}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

/** A language is written in itself. */
export const LANGUAGE_NAMES: Record<Language, string> = { fr: 'Français', en: 'English', es: 'Español' }

export function LanguageMenu() {
  const { t, language } = useWords()
  return (
    <Menu position="bottom-end" width={170}>
      <Menu.Target>
        <button type="button" className="ib lang">
          <span>{language.toUpperCase()}</span>
          <span className="vh">{t('app.language', { name: LANGUAGE_NAMES[language] })}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {LANGUAGES.map((one) => (
          <Menu.Item
            key={one}
            lang={one}
            role="menuitemradio"
            aria-checked={one === language}
            rightSection={one === language ? <Icon name="check" /> : undefined}
            onClick={() => void speak(one)}
          >
            {LANGUAGE_NAMES[one]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
