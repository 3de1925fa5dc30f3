import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { own, ownReads, type ApiToken } from '~/api/account'
import { say } from '~/api/errors'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { ConfirmByTyping } from '~/ui/dialog'
import { Icon } from '~/ui/icons'
import { Empty, Panel } from '~/ui/page'
import { toast } from '~/ui/toast'
import { Age } from '~/ui/values'
import { Entries } from './entries'
import { NewTokenDialog } from './new-token'

/** What programs act with in one's name. */
export function TokensPanel() {
  const { t } = useWords()
  const query = useQuery(ownReads.tokens())
  const [making, make] = useState(false)
  const [revoked, revoke] = useState<ApiToken>()
  return (
    <>
      <Panel
        title={t('profile.tokens')}
        note={t('profile.tokens.note')}
        end={<Make onClick={() => make(true)} />}
        query={query}
        rows={2}
        isEmpty={(tokens) => tokens.length === 0}
        empty={
          <Empty icon="key" title={t('profile.tokens.empty')}>
            {t('profile.tokens.empty.text')}
          </Empty>
        }
      >
        {(tokens) => (
          <Entries all={tokens} more={(count) => t('profile.tokens.more', { count })}>
            {(token) => <One key={token.id} token={token} onRevoke={() => revoke(token)} />}
          </Entries>
        )}
      </Panel>
      {making ? <NewTokenDialog close={() => make(false)} /> : null}
      {revoked ? <Revoke token={revoked} close={() => revoke(undefined)} /> : null}
    </>
  )
}

function Make({ onClick }: { onClick: () => void }) {
  const { t } = useWords()
  const offline = useReadOnly()
  return (
    <button type="button" className="btn sm" disabled={offline !== undefined} title={offline} onClick={onClick}>
      <Icon name="plus" />
      {t('profile.tokens.make')}
    </button>
  )
}

function One({ token, onRevoke }: { token: ApiToken; onRevoke: () => void }) {
  const { t, formats } = useWords()
  const ends = new Date(token.expires_at)
  const over = ends.getTime() <= Date.now()
  return (
    <li className="entry">
      <Icon name="key" />
      <div>
        <b>{token.name}</b>
        <small>{formats.list(token.scopes.map((scope) => t(`profile.scope.${scope.replace(':', '_')}`)))}</small>
        <small>
          {t(over ? 'profile.tokens.over' : 'profile.tokens.until', { date: formats.date(ends) })}
          {' · '}
          {t('profile.tokens.used')} <Age at={token.last_used_at} />
          {token.last_ip ? ` · ${token.last_ip}` : ''}
          {' · '}
          <span className="hint" translate="no">{`…${token.hint}`}</span>
        </small>
      </div>
      <button type="button" className="btn sm" onClick={onRevoke}>
        {t('profile.tokens.revoke')}
        <span className="vh">{token.name}</span>
      </button>
    </li>
  )
}

/** Whatever uses it stops working: its name is typed. */
function Revoke({ token, close }: { token: ApiToken; close: () => void }) {
  const words = useWords()
  const { t } = words
  const client = useQueryClient()
  const offline = useReadOnly()
  const [busy, setBusy] = useState(false)
  const [sentence, setSentence] = useState<string>()
  const revoke = async () => {
    setBusy(true)
    setSentence(undefined)
    try {
      await own.revokeToken(token.id)
      await client.invalidateQueries({ queryKey: ownReads.tokens().queryKey })
      toast({ kind: 'success', text: t('profile.tokens.revoked', { name: token.name }) })
      close()
    } catch (error) {
      setSentence(say(error, words).sentence)
      setBusy(false)
    }
  }
  return (
    <ConfirmByTyping
      open
      onClose={close}
      title={t('profile.tokens.revoke.title', { name: token.name })}
      word={token.name}
      act={t('profile.tokens.revoke.act')}
      busy={busy || offline !== undefined}
      onConfirm={() => void revoke()}
    >
      <p>{t('profile.tokens.revoke.text')}</p>
      {(sentence ?? offline) ? (
        <p className="failed error" role="alert">
          {sentence ?? offline}
        </p>
      ) : null}
    </ConfirmByTyping>
  )
}
