import type { ReactNode } from 'react'
import { LanguageMenu, ThemeMenu } from '~/app/shell/choices'
import { Brand } from '~/app/shell/rail'
import { useWords } from '~/i18n/words'
import { Toasts } from '~/ui/toast'
import './login.css'

/** What stands around the pages of those who are not in: a card, and the choice of theme and language. */
export function Frame({ name, wide = false, children }: { name: string; wide?: boolean; children: ReactNode }) {
  const { t } = useWords()
  return (
    <div className="login">
      <header className="login-top">
        <ThemeMenu />
        <LanguageMenu />
      </header>
      <main>
        <title>{t('login.document', { name })}</title>
        <div className={wide ? 'login-card card wide' : 'login-card card'}>
          <Brand />
          {children}
        </div>
      </main>
      <Toasts />
    </div>
  )
}
