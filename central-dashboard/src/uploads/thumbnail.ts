/** Small pictures of videos and images, made here: the server needs no ffmpeg for them. */
import { refused } from '~/api/errors'
import { request } from '~/api/client'
import type { Video } from '~/api/types'

const WIDTH = 640
const HEIGHT = 640
const MOST_BYTES = 200_000
const PATIENCE = 20_000

/** Makes the picture of what lies at an address or in a file, and gives it to the server. */
export async function giveThumbnail(id: string, source: Blob | string, mime: string): Promise<Video> {
  const picture = await thumbnailOf(source, mime)
  const answer = await request(`/api/videos/${id}/thumbnail`, {
    method: 'PUT',
    headers: { 'Content-Type': picture.type },
    body: picture,
  })
  if (!answer.ok) throw await refused(answer)
  return (await answer.json()) as Video
}

/** At most 640 pixels wide and 200 kB: WebP where the browser can write it, else JPEG. */
export async function thumbnailOf(source: Blob | string, mime: string): Promise<Blob> {
  const address = typeof source === 'string' ? source : URL.createObjectURL(source)
  try {
    return await encode(mime.startsWith('image/') ? await fromImage(address) : await fromVideo(address))
  } finally {
    if (typeof source !== 'string') URL.revokeObjectURL(address)
  }
}

async function fromImage(address: string): Promise<HTMLCanvasElement> {
  const image = new Image()
  image.crossOrigin = 'anonymous'
  image.src = address
  await image.decode()
  return draw(image, image.naturalWidth, image.naturalHeight)
}

/** The picture at about one second; if that is black, one from further inside. */
async function fromVideo(address: string): Promise<HTMLCanvasElement> {
  const video = document.createElement('video')
  video.crossOrigin = 'anonymous'
  video.muted = true
  video.playsInline = true
  video.preload = 'auto'
  try {
    const ready = happens(video, 'loadeddata')
    video.src = address
    await ready
    const length = Number.isFinite(video.duration) ? video.duration : 2
    let canvas: HTMLCanvasElement | undefined
    for (const at of [Math.min(1, length / 2), length / 3, (2 * length) / 3]) {
      const there = happens(video, 'seeked')
      video.currentTime = at
      await there
      canvas = draw(video, video.videoWidth, video.videoHeight)
      if (!isBlack(canvas)) break
    }
    if (!canvas) throw new Error('no picture')
    return canvas
  } finally {
    video.removeAttribute('src')
    video.load()
  }
}

function happens(video: HTMLVideoElement, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = new AbortController()
    const end = (run: () => void) => () => {
      stop.abort()
      clearTimeout(timer)
      run()
    }
    const timer = setTimeout(end(() => reject(new Error(`no ${event}`))), PATIENCE)
    video.addEventListener(event, end(resolve), { signal: stop.signal })
    video.addEventListener('error', end(() => reject(video.error ?? new Error('unreadable'))), { signal: stop.signal })
  })
}

function draw(from: CanvasImageSource, width: number, height: number): HTMLCanvasElement {
  if (width === 0 || height === 0) throw new Error('no picture')
  const scale = Math.min(1, WIDTH / width, HEIGHT / height)
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(width * scale))
  canvas.height = Math.max(1, Math.round(height * scale))
  canvas.getContext('2d')?.drawImage(from, 0, 0, canvas.width, canvas.height)
  return canvas
}

/** Whether next to nothing can be seen: looked at in 16 by 9 points. */
function isBlack(canvas: HTMLCanvasElement): boolean {
  const small = document.createElement('canvas')
  small.width = 16
  small.height = 9
  const context = small.getContext('2d')
  if (!context) return false
  context.drawImage(canvas, 0, 0, 16, 9)
  const { data } = context.getImageData(0, 0, 16, 9)
  let brightest = 0
  for (let at = 0; at < data.length; at += 4) {
    brightest = Math.max(brightest, (data[at] ?? 0) + (data[at + 1] ?? 0) + (data[at + 2] ?? 0))
  }
  return brightest < 3 * 24
}

async function encode(canvas: HTMLCanvasElement): Promise<Blob> {
  for (const quality of [0.82, 0.65, 0.45, 0.25]) {
    for (const type of ['image/webp', 'image/jpeg']) {
      const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, type, quality))
      // Safari writes PNG when it is asked for WebP.
      if (blob && blob.type === type && blob.size <= MOST_BYTES) return blob
    }
  }
  throw new Error('the picture does not get small enough')
}
