import { Refused, say, Unreachable } from '~/api/errors'
import type { Words } from '~/i18n/words'
import { mostBytes } from './most'
import { isOpen, isStuck, type Upload } from './store'

/** The line under a file's name: what happens to it, or why nothing does. */
export function sentenceOf(one: Upload, words: Words, now: number): string {
  const { t, formats } = words
  const size = formats.bytes(one.file.size)
  const percent = formats.percent(one.file.size === 0 ? 0 : one.bytes / one.file.size, 0)
  switch (one.phase) {
    case 'queued':
    case 'ready':
      return t('uploads.queued', { size })
    case 'hashing':
      return t('uploads.hashing', { percent })
    case 'sending':
      return one.rate
        ? t('uploads.sending.rate', {
            percent,
            size,
            rate: formats.bytes(one.rate),
            left: formats.duration((one.file.size - one.bytes) / one.rate),
          })
        : t('uploads.sending', { percent, size })
    case 'checking':
      return t('uploads.checking')
    case 'waiting':
      return t(waiting(one), {
        percent,
        seconds: Math.max(0, Math.ceil(((one.retryAt ?? now) - now) / 1000)),
      })
    case 'interrupted':
      return t('uploads.interrupted')
    case 'refused':
      return whyRefused(one.problem, words)
    case 'duplicate':
      return t(one.problem === 'uploads.twin' ? 'uploads.twin' : 'uploads.duplicate')
    case 'done':
      if (one.problem) return t('uploads.done.labels')
      return t(one.picture === 'failed' ? 'uploads.done.no_picture' : 'uploads.done', { size })
  }
}

function waiting({ problem, resumes }: Upload): string {
  if (!(problem instanceof Unreachable)) return 'uploads.waiting.server'
  return resumes ? 'uploads.waiting.resumes' : 'uploads.waiting'
}

/** The server's sentence in French; in other languages what its code means. */
export function whyRefused(problem: unknown, words: Words): string {
  if (typeof problem === 'string') return words.t(problem, { most: words.formats.bytes(mostBytes()) })
  // In French the server's own words say more; what the storage has said to this page has none.
  const wordless = problem instanceof Refused && (words.language !== 'fr' || !problem.body.error)
  if (wordless && words.has(`uploads.code.${problem.code}`)) {
    return words.t(`uploads.code.${problem.code}`)
  }
  return say(problem, words).sentence
}

/** The heading of the queue: what runs, what waits for a person, what is done. */
export function headingOf(uploads: readonly Upload[], { t }: Words): string {
  const open = uploads.filter((one) => isOpen(one) && !isStuck(one)).length
  const stuck = uploads.filter(isStuck).length
  if (open > 0) return t('uploads.heading.open', { count: open })
  if (stuck > 0) return t('uploads.heading.stuck', { count: stuck })
  return t('uploads.heading.done', { count: uploads.length })
}
