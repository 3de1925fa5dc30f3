/** While nobody may manage accounts, whoever looks at them learns how somebody may: option B of step 9 makes an admin. */
import { useQuery } from '@tanstack/react-query'
import { adminReads } from '~/api/admin'
import { useUser } from '~/api/session'
import { mayRule } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { CopyButton } from '~/ui/keep'
import { PanelHead } from '~/ui/page'

/** What is pasted has the address of who reads it: a name that needs quoting does not get in as an e-mail address. */
const command = (email: string) => `./target/release/neopro-central grant-role ${email} super_admin`
const statement = (email: string) => `UPDATE users SET role = 'super_admin' WHERE email = '${email.replaceAll("'", "''")}';`

export function Alone() {
  const { t } = useWords()
  const user = useUser()
  const rules = mayRule(user.role)
  const others = useQuery({ ...adminReads.accounts({ role: 'super_admin', status: 'active', page: 1, limit: 1 }), enabled: !rules })
  if (rules || others.data?.total !== 0) return null
  return (
    <section className="card alone" role="alert">
      <PanelHead title={t('users.alone')} />
      <p>{t('users.alone.text')}</p>
      <Line text={command(user.email)} />
      <p>{t('users.alone.sql')}</p>
      <Line text={statement(user.email)} />
      <p>{t('users.alone.after')}</p>
    </section>
  )
}

function Line({ text }: { text: string }) {
  return (
    <div className="alone-line">
      <code>{text}</code>
      <CopyButton small text={text} />
    </div>
  )
}
