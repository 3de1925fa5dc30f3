import { expect, test } from 'vitest'
import { isOpen, isStuck, sentShare, type Phase, type Upload } from '../src/uploads/store'
import { titleOf } from '../src/uploads/title'
import { resolution, verdict } from '../src/videos/facts'

test.each([
  ['armor-energie_15s.mp4', 'Armor-energie 15s'],
  ['garage-morvan.mp4', 'Garage morvan'],
  ['Le But - finale.MOV', 'Le But - finale'],
  ['.mp4', '.mp4'],
  ['sans extension', 'Sans extension'],
])('a file has a title that one can read: %s', (name, title) => {
  expect(titleOf(name)).toBe(title)
})

test('a title is never longer than the server takes', () => {
  expect(titleOf(`${'é'.repeat(400)}.mp4`)).toHaveLength(255)
})

test.each([
  [1920, 1080, '1080p'],
  [1280, 720, '720p'],
  [1080, 1920, '1080 × 1920'],
  [null, null, undefined],
])('%s by %s pixels are said as %s', (width, height, said) => {
  expect(resolution({ width, height })).toBe(said)
})

test('what every box plays is told from what is to be converted', () => {
  expect(verdict({ mime_type: 'video/mp4', codec: 'h264' })).toBe('playable')
  expect(verdict({ mime_type: 'image/png', codec: null })).toBe('playable')
  expect(verdict({ mime_type: 'video/mp4', codec: 'hevc' })).toBe('convert')
  expect(verdict({ mime_type: 'video/mp4', codec: null })).toBe('unknown')
})

function upload(phase: Phase, size: number, bytes: number): Upload {
  const file = { name: 'a.mp4', size } as File
  const labels = { title: 'a', category: '', subcategory: '' }
  return {
    id: 1, file, labels, phase, bytes, rate: undefined, tries: 0, retryAt: undefined, resumes: false, sha256: undefined, video: undefined, problem: undefined, picture: 'none',
  }
}

test('progress counts bytes that have left, not files, and nothing that will not leave', () => {
  expect(sentShare([upload('done', 100, 100), upload('sending', 300, 100)])).toBe(0.5)
  // Bytes that were only looked at have not left.
  expect(sentShare([upload('hashing', 100, 90)])).toBe(0)
  expect(sentShare([upload('refused', 900, 0), upload('checking', 100, 100)])).toBe(1)
  expect(sentShare([])).toBe(0)
})

test('an interrupted file would be lost with the tab; a refused one waits for a person only', () => {
  expect(isOpen(upload('interrupted', 1, 0))).toBe(true)
  expect(isOpen(upload('refused', 1, 0))).toBe(false)
  expect(isStuck(upload('refused', 1, 0))).toBe(true)
  expect(isStuck(upload('done', 1, 1))).toBe(false)
})
