import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { act } from '~/api/client'
import { say } from '~/api/errors'
import type { SiteWithKey } from '~/api/types'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import type { Problems } from '~/ui/form'
import { PageHeader } from '~/ui/page'
import { Steps } from '~/ui/steps'
import { newSite } from '../siteacts/content'
import { found, missing, SiteForm } from '../siteacts/form'
import { KeySheet } from '../siteacts/key-sheet'
import { FirstContact } from './first-contact'
import './newsite.css'

type Stage = { at: 'club' } | { at: 'key'; site: SiteWithKey } | { at: 'contact'; site: SiteWithKey }

/** A new club: who it is, the key of its box, and the box's first sign of life. */
export function Page() {
  const { t } = useWords()
  const [stage, setStage] = useState<Stage>({ at: 'club' })
  const order = ['club', 'key', 'contact'] as const
  const now = order.indexOf(stage.at)
  return (
    <>
      <PageHeader title={t('newsite.title')} crumb={t('newsite.title')}>
        {t('newsite.text')}
      </PageHeader>
      <Steps
        label={t('newsite.steps')}
        steps={order.map((name, at) => ({
          label: t(`newsite.step.${name}`),
          state: at < now ? 'done' : at === now ? 'current' : 'next',
        }))}
      />
      {stage.at === 'contact' ? (
        <FirstContact id={stage.site.id} again={() => setStage({ at: 'club' })} />
      ) : (
        <Club made={(site) => setStage({ at: 'key', site })} />
      )}
      {stage.at === 'key' ? (
        <KeySheet
          site={stage.site}
          next={t('newsite.after_key')}
          onDone={() => setStage({ at: 'contact', site: stage.site })}
        />
      ) : null}
    </>
  )
}

function Club({ made }: { made: (site: SiteWithKey) => void }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const offline = useReadOnly()
  const [problems, setProblems] = useState<Problems>({})
  const [sentence, setSentence] = useState<string>()
  const [busy, setBusy] = useState(false)
  const create = async (form: FormData) => {
    const empty = missing(form, words)
    setProblems(empty)
    setSentence(undefined)
    if (Object.keys(empty).length > 0) return
    setBusy(true)
    try {
      made(await act<SiteWithKey>('POST', '/api/sites', newSite(form)))
      void client.invalidateQueries({ queryKey: ['sites'] })
    } catch (error) {
      setProblems(found(error, words))
      setSentence(say(error, words).sentence)
    } finally {
      setBusy(false)
    }
  }
  return (
    <section className="card new-site">
      <SiteForm id="new-site" problems={problems} sentence={sentence} onSubmit={(form) => void create(form)} />
      <div className="acts">
        <button type="submit" form="new-site" className="btn pri" disabled={busy || offline !== undefined} title={offline}>
          {busy ? t('newsite.busy') : t('newsite.create')}
        </button>
      </div>
    </section>
  )
}
