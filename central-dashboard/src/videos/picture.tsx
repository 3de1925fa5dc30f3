/** The small picture of a video, or what stands in its place. */
import { useState, type ReactNode } from 'react'
import type { Video } from '~/api/types'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { isImage, titleOf } from './facts'
import './videos.css'

type Pictured = Pick<Video, 'title' | 'original_name' | 'thumbnail_url' | 'mime_type' | 'duration'>

export function Picture({ video, children }: { video: Pictured; children?: ReactNode }) {
  const words = useWords()
  const [broken, setBroken] = useState<string>()
  const address = video.thumbnail_url
  const title = titleOf(video, words)
  return (
    <span className="picture">
      {address && broken !== address ? (
        <img src={address} alt="" loading="lazy" decoding="async" onError={() => setBroken(address)} />
      ) : (
        <span className={`picture-none tint-${tint(title)}`} aria-hidden="true">
          <Icon name={isImage(video) ? 'image' : 'video'} />
          <b>{title}</b>
        </span>
      )}
      {video.duration == null ? null : <span className="picture-length">{words.formats.clock(video.duration)}</span>}
      {children}
    </span>
  )
}

/** The same picture as in the library, for what only knows an address. */
export function SmallPicture({ address, title }: { address: string | null | undefined; title: string }) {
  const video = { title, original_name: title, thumbnail_url: address ?? null, mime_type: 'video/mp4', duration: null }
  return (
    <span className="picture-small">
      <Picture video={video} />
    </span>
  )
}

/** The same title has the same tint everywhere. */
function tint(text: string): number {
  let sum = 0
  for (const char of text) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 9973
  return sum % 4
}
