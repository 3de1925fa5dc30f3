import type { Video } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Shape } from '~/ui/state'
import { codecName, verdict } from './facts'
import './videos.css'

const SHAPES = { playable: 'done', convert: 'warning', unknown: 'unknown' } as const

/** `H.264 ✓`: the codec, and whether every box plays it. */
export function CodecVerdict({ video }: { video: Pick<Video, 'mime_type' | 'codec'> }) {
  const words = useWords()
  const said = verdict(video)
  return (
    <span className={`verdict ${said}`}>
      <Shape state={SHAPES[said]} />
      {codecName(video, words)}
      {said === 'convert' ? `, ${words.t('videos.verdict.convert')}` : null}
      {said === 'playable' ? <span className="vh">, {words.t('videos.verdict.playable')}</span> : null}
    </span>
  )
}
