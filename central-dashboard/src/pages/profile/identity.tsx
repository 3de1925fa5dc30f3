import { useUser } from '~/api/session'
import { useWords } from '~/i18n/words'
import { PanelHead } from '~/ui/page'

/** Who one is here, and what that allows. */
export function IdentityPanel() {
  const { t } = useWords()
  const { full_name, email, role } = useUser()
  return (
    <section className="card">
      <PanelHead title={t('profile.identity')} />
      <dl className="facts">
        <div>
          <dt>{t('profile.name')}</dt>
          <dd>{full_name || <span className="mut">{t('profile.name.none')}</span>}</dd>
        </div>
        <div>
          <dt>{t('profile.email')}</dt>
          <dd>{email}</dd>
        </div>
        <div>
          <dt>{t('profile.role')}</dt>
          <dd>
            {t(`app.role.${role}`)}
            <small>{t(`profile.role.${role}`)}</small>
          </dd>
        </div>
      </dl>
      <p className="mut small">{t('profile.identity.who')}</p>
    </section>
  )
}
