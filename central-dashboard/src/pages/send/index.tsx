/** Sending in three steps on one page: what, to whom, when; beside them what it costs. */
import { useState } from 'react'
import { useWords } from '~/i18n/words'
import { PageHeader } from '~/ui/page'
import { Steps, type Step } from '~/ui/steps'
import { useChosen, type Chosen } from './chosen'
import { Cost } from './cost'
import { useOrders } from './orders'
import { usePreview } from './preview'
import { What } from './what'
import { When } from './when'
import { Who } from './who'
import './send.css'

export function Page() {
  const { t } = useWords()
  const chosen = useChosen()
  const preview = usePreview(chosen)
  const orders = useOrders(chosen)
  const [problem, setProblem] = useState<string>()
  const sites = preview.data?.sites
  const title = titleKey(chosen, sites)
  return (
    <>
      <PageHeader title={t(title, { videos: chosen.videos.length, count: sites ?? 0 })} document={t('send.title')}>
        {t('send.subtitle')}
      </PageHeader>
      <Steps label={t('send.steps')} steps={useSteps(chosen)} />
      <div className="row s1 send">
        <div className="col">
          <What chosen={chosen} />
          <Who chosen={chosen} />
          <When chosen={chosen} problem={problem} onProblem={setProblem} />
        </div>
        <Cost chosen={chosen} preview={preview} orders={orders} problem={problem} />
      </div>
    </>
  )
}

function titleKey({ videos, targets, action }: Chosen, sites: number | undefined): string {
  if (videos.length === 0) return 'send.title.what'
  if (targets.length === 0 || !sites) return 'send.title.who'
  return action === 'remove' ? 'send.title.remove' : 'send.title.install'
}

function useSteps({ videos, targets }: Chosen): Step[] {
  const { t } = useWords()
  const go = (id: string) => () => {
    const card = document.getElementById(id)
    card?.scrollIntoView({ block: 'start' })
    card?.querySelector<HTMLElement>('.step-head')?.focus()
  }
  const what = videos.length > 0
  const who = targets.length > 0
  return [
    { label: t('send.what'), state: what ? 'done' : 'current', go: go('what') },
    { label: t('send.who'), state: who ? 'done' : what ? 'current' : 'next', go: go('who') },
    { label: t('send.when'), state: what && who ? 'current' : 'next', go: go('when') },
  ]
}
