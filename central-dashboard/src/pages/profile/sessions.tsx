import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { own, ownReads, type OwnSession } from '~/api/account'
import { say } from '~/api/errors'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Panel } from '~/ui/page'
import { toast } from '~/ui/toast'
import { Age, When } from '~/ui/values'
import { Entries } from './entries'

/** Where this account is open. What is not known can be ended, at once. */
export function SessionsPanel() {
  const { t } = useWords()
  const query = useQuery(ownReads.sessions())
  const others = query.data?.filter((session) => !session.current).length ?? 0
  return (
    <Panel
      title={t('profile.sessions')}
      note={query.data ? t('profile.sessions.count', { count: query.data.length }) : null}
      end={others > 0 ? <EndOthers /> : null}
      query={query}
      rows={3}
    >
      {(sessions) => (
        <Entries all={sessions.toSorted(newestFirst)} more={(count) => t('profile.sessions.more', { count })}>
          {(session) => <One key={session.id} session={session} />}
        </Entries>
      )}
    </Panel>
  )
}

/** One's own on top. */
const newestFirst = (a: OwnSession, b: OwnSession) =>
  Number(b.current) - Number(a.current) || b.last_used_at.localeCompare(a.last_used_at)

/** Does it, reads the list again, and says what became of it. */
function useEnding(): { busy: boolean; end: (run: () => Promise<string>) => Promise<void> } {
  const words = useWords()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const end = async (run: () => Promise<string>) => {
    setBusy(true)
    try {
      const said = await run()
      await client.invalidateQueries({ queryKey: ownReads.sessions().queryKey })
      toast({ kind: 'success', text: said })
    } catch (error) {
      toast({ kind: 'error', text: say(error, words).sentence })
    } finally {
      setBusy(false)
    }
  }
  return { busy, end }
}

function EndOthers() {
  const { t } = useWords()
  const offline = useReadOnly()
  const { busy, end } = useEnding()
  const run = async () => t('profile.sessions.ended', { count: (await own.endOtherSessions()).ended })
  return (
    <button
      type="button"
      className="btn sm"
      disabled={busy || offline !== undefined}
      title={offline}
      onClick={() => void end(run)}
    >
      {t('profile.sessions.end_others')}
    </button>
  )
}

function One({ session }: { session: OwnSession }) {
  const { t } = useWords()
  const offline = useReadOnly()
  const { busy, end } = useEnding()
  const { device, current, ip } = session
  const name = device || t('profile.sessions.unknown')
  const run = async () => {
    await own.endSession(session.id)
    return t('profile.sessions.ended_one', { device: name })
  }
  return (
    <li className="entry">
      <Icon name="screen" />
      <div>
        <b title={session.user_agent ?? undefined}>{name}</b>
        <small>
          {current ? null : (
            <>
              {t('profile.sessions.used')} <Age at={session.last_used_at} />
              {' · '}
            </>
          )}
          {t('profile.sessions.since')} <When at={session.created_at} />
          {ip ? ` · ${ip}` : ''}
        </small>
      </div>
      {current ? (
        <span className="chip updc">{t('profile.sessions.current')}</span>
      ) : (
        <button
          type="button"
          className="btn sm"
          disabled={busy || offline !== undefined}
          title={offline}
          onClick={() => void end(run)}
        >
          {t('profile.sessions.end')}
          <span className="vh">{name}</span>
        </button>
      )}
    </li>
  )
}
