/** What is said of a video's technique. */
import type { Video } from '~/api/types'
import type { Words } from '~/i18n/words'

export const isImage = (video: Pick<Video, 'mime_type'>): boolean => video.mime_type.startsWith('image/')

/** `1080p` where the picture is as wide as a screen, else both numbers. */
export function resolution({ width, height }: Pick<Video, 'width' | 'height'>): string | undefined {
  if (!width || !height) return undefined
  const isWide = Math.abs(width / height - 16 / 9) < 0.02
  return isWide ? `${height}p` : `${width} × ${height}`
}

export type Verdict = 'playable' | 'convert' | 'unknown'

/** Whether every box plays it: the library accepts H.264 only, but what comes from NeoPro 1 may be anything. */
export function verdict(video: Pick<Video, 'mime_type' | 'codec'>): Verdict {
  if (isImage(video) || video.codec === 'h264') return 'playable'
  return video.codec ? 'convert' : 'unknown'
}

const CODECS: Record<string, string> = { h264: 'H.264', hevc: 'HEVC', h265: 'HEVC', vp9: 'VP9', av1: 'AV1' }

export function codecName(video: Pick<Video, 'mime_type' | 'codec'>, { t }: Words): string {
  if (isImage(video)) return IMAGES[video.mime_type] ?? video.mime_type
  return video.codec ? (CODECS[video.codec] ?? video.codec) : t('videos.codec.unknown')
}

const IMAGES: Record<string, string> = { 'image/jpeg': 'JPEG', 'image/png': 'PNG', 'image/webp': 'WebP' }

/** Never a name that only machines read. */
export function titleOf(video: Pick<Video, 'title' | 'original_name'>, { t }: Words): string {
  const title = video.title.trim() || video.original_name.trim()
  return /^[0-9a-f]{8}-[0-9a-f-]{27}(\.\w+)?$/i.test(title) || title === '' ? t('videos.untitled') : title
}
