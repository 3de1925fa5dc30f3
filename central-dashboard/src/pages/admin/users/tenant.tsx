/** To whom somebody of an agency or of a partner belongs: without it they would see nothing. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { adminReads, type Account } from '~/api/admin'
import { say } from '~/api/errors'
import { useWords } from '~/i18n/words'
import { SelectField } from '~/ui/form'

interface TenantProps {
  kind: 'agency' | 'sponsor' | undefined
  account: Account | undefined
  problem: string | undefined
}

export function TenantField({ kind, account, problem }: TenantProps) {
  const words = useWords()
  const { t } = words
  const { data, error } = useQuery({ ...adminReads.tenants(), enabled: kind !== undefined })
  if (!kind) return null
  const list = kind === 'agency' ? data?.agencies : data?.sponsors
  const now = kind === 'agency' ? account?.agency_id : account?.sponsor_id
  const none = list?.length === 0 ? t(`users.form.${kind}.none`) : undefined
  return (
    <>
      {/* The list comes later than the form: what is chosen in it then is what was set. */}
      <SelectField
        key={data ? 'there' : 'awaited'}
        label={t(`users.form.${kind}`)}
        name="tenant"
        defaultValue={now ?? ''}
        hint={error ? say(error, words).sentence : none}
        problem={problem}
      >
        <option value="">{t('users.form.choose')}</option>
        {list?.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </SelectField>
      {none && kind === 'agency' ? (
        <Link to="/admin/agencies" className="link">
          {t('users.form.agency.make')}
        </Link>
      ) : null}
    </>
  )
}
