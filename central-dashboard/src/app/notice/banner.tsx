import { useState } from 'react'
import { useNotice } from '~/api/versions'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { CopyButton } from '~/ui/keep'
import './notice.css'

const KEY = 'neopro.notice'

/** This page is older than what is published, does not fit the server, or may not reach what it needs. */
export function NoticeBanner() {
  const { t } = useWords()
  const notice = useNotice()
  const [heard, setHeard] = useState(() => sessionStorage.getItem(KEY))
  if (!notice || heard === notice.mark) return null
  const later = () => {
    sessionStorage.setItem(KEY, notice.mark)
    setHeard(notice.mark)
  }
  return (
    <div className="notice" role="status" data-notice={notice.kind}>
      <Icon name={notice.kind === 'blocked' ? 'shield' : 'again'} />
      <p>{t(`notice.${notice.kind}`, { page: __VERSION__, mark: notice.mark })}</p>
      {notice.kind === 'published' ? (
        <button type="button" className="btn sm" onClick={() => location.reload()}>
          {t('notice.reload')}
        </button>
      ) : null}
      {notice.kind === 'blocked' ? <CopyButton small text={notice.mark} /> : null}
      <button type="button" className="btn sm quiet" onClick={later}>
        {t('notice.later')}
      </button>
    </div>
  )
}
