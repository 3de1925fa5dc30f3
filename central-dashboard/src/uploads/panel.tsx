/** The queue on the library's page: every file with its progress, its sentence and its next step. */
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { Refused } from '~/api/errors'
import { useWords, type Words } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { Shape, type Progress } from '~/ui/state'
import { EditUpload } from './edit'
import { cancel, clearEnded, retry } from './queue'
import { headingOf, sentenceOf } from './said'
import { isOpen, sentShare, useUploads, type Phase, type Upload } from './store'
import './uploads.css'

export function UploadPanel({ categories }: { categories: string[] }) {
  const words = useWords()
  const { t, formats } = words
  const uploads = useUploads()
  const [edited, edit] = useState<number>()
  const now = useSeconds(uploads.some((one) => one.phase === 'waiting'))
  if (uploads.length === 0) return null
  const share = sentShare(uploads)
  const open = uploads.some(isOpen)
  return (
    <section className="card uploads" aria-label={t('uploads.title')}>
      <header>
        <h2>{headingOf(uploads, words)}</h2>
        {open ? <p>{t('uploads.total', { percent: formats.percent(share, 0) })}</p> : null}
        <div className="end">
          {uploads.some((one) => !isOpen(one)) ? (
            <button type="button" className="btn sm quiet" onClick={clearEnded}>
              {t('uploads.clear')}
            </button>
          ) : null}
        </div>
      </header>
      <ul className="upload-list">
        {uploads.toSorted((a, b) => rank(a) - rank(b)).map((one) => (
          <Row key={one.id} one={one} words={words} now={now} onEdit={() => edit(one.id)} />
        ))}
      </ul>
      <p role="status" className="vh">
        {headingOf(uploads, words)}
      </p>
      <EditUpload id={edited} categories={categories} onClose={() => edit(undefined)} />
    </section>
  )
}

/** What runs or waits for a person stands before what is done. */
const rank = (one: Upload) => (one.phase === 'done' ? 1 : 0)

const SHAPE: Record<Phase, Progress> = {
  queued: 'waiting',
  hashing: 'running',
  ready: 'waiting',
  sending: 'running',
  checking: 'running',
  waiting: 'waiting',
  interrupted: 'failed',
  refused: 'failed',
  duplicate: 'superseded',
  done: 'done',
}

function Row({ one, words, now, onEdit }: { one: Upload; words: Words; now: number; onEdit: () => void }) {
  const { t } = words
  const share = one.file.size === 0 ? 0 : one.bytes / one.file.size
  const running = one.phase === 'sending' || one.phase === 'hashing' || one.phase === 'checking'
  const name = one.labels.title || one.file.name
  return (
    <li className={`upload ${one.phase}`} data-phase={one.phase}>
      <Shape state={SHAPE[one.phase]} />
      <div className="upload-text">
        <b>{one.video ? <Link to="/content/$id" params={{ id: one.video.id }}>{name}</Link> : name}</b>
        <span>{sentenceOf(one, words, now)}</span>
      </div>
      <Acts one={one} name={name} words={words} onEdit={onEdit} />
      {running ? (
        <progress
          className={one.phase === 'sending' ? 'upload-bar' : 'upload-bar quiet'}
          max={1}
          value={one.phase === 'checking' ? 1 : share}
          aria-label={t('uploads.progress', { name })}
        />
      ) : null}
    </li>
  )
}

function Acts({ one, name, words: { t }, onEdit }: { one: Upload; name: string; words: Words; onEdit: () => void }) {
  const again = one.phase === 'interrupted' || one.phase === 'waiting'
  const mayRetry = again || (one.phase === 'refused' && !isFinal(one.problem))
  const mayEdit = one.phase !== 'refused' && one.phase !== 'duplicate'
  return (
    <div className="upload-acts">
      {one.phase === 'duplicate' && one.video ? (
        <Link to="/content/$id" params={{ id: one.video.id }} className="btn sm">
          {t('uploads.see')}
        </Link>
      ) : null}
      {mayRetry ? (
        <button type="button" className="btn sm" onClick={() => retry(one.id)}>
          <Icon name="again" />
          {t(again ? 'uploads.resume' : 'uploads.retry')}
        </button>
      ) : null}
      {mayEdit ? (
        <button type="button" className="ib" aria-label={t('uploads.edit', { name })} onClick={onEdit}>
          <Icon name="pen" />
        </button>
      ) : null}
      <button
        type="button"
        className="ib"
        aria-label={t(isOpen(one) ? 'uploads.cancel' : 'uploads.forget', { name })}
        onClick={() => cancel(one.id)}
      >
        <Icon name="close" />
      </button>
    </div>
  )
}

/** A file that is no good stays no good: only another one helps. */
const isFinal = (problem: unknown) =>
  typeof problem === 'string' || (problem instanceof Refused && [400, 413, 415].includes(problem.status))

/** The time, while a countdown is on the screen. */
function useSeconds(on: boolean): number {
  const [now, set] = useState(Date.now)
  useEffect(() => {
    if (!on) return
    set(Date.now())
    const timer = setInterval(() => set(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [on])
  return now
}
