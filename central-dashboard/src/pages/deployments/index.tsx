import { useWords } from '~/i18n/words'
import { PageHeader } from '~/ui/page'

export function Page() {
  const { t } = useWords()
  return <PageHeader title={t('app.page.deployments')} />
}
