/** The figures of a box as lines: which there are, their physical ranges and their limits. */
import type { Beat } from '~/api/beats'
import type { Metrics } from '~/api/types'
import type { Point } from '~/ui/figures'

export type Name = 'temperature' | 'disk_usage' | 'memory_usage' | 'cpu_usage'

export interface Curve {
  name: Name
  unit: 'celsius' | 'percent'
  min: number
  max: number
  /** From here on it is dangerous. */
  threshold?: number
}

export const CURVES: Curve[] = [
  { name: 'temperature', unit: 'celsius', min: 30, max: 90, threshold: 80 },
  { name: 'disk_usage', unit: 'percent', min: 0, max: 100, threshold: 90 },
  { name: 'memory_usage', unit: 'percent', min: 0, max: 100, threshold: 90 },
  { name: 'cpu_usage', unit: 'percent', min: 0, max: 100 },
]

const HALF_HOUR = 1_800_000

/** Oldest first. An hour stands at its middle, what was heard last at its own moment. */
export function curve({ metrics }: Metrics, name: Name): Point[] {
  const newest = metrics[0]
  const end = newest ? Date.parse(newest.recorded_at) + HALF_HOUR * 2 : 0
  return metrics
    .map((one, at) => {
      const heard = Date.parse(one.recorded_at)
      const middle = one.beats === 1 && at === 0 ? heard : Math.min(heard + HALF_HOUR, end)
      return { at: middle, value: one[name] ?? null }
    })
    .toSorted((a, b) => a.at - b.at)
}

export type Latest = Record<Name, number | null> & { at: number }

/** What was heard last: from the stream if it is newer than what was read. Nothing, if that is an average of long ago. */
export function latest({ metrics }: Metrics, beat: Beat | undefined): Latest | undefined {
  const read = metrics[0]
  if (beat && (!read || Date.parse(beat.at) >= Date.parse(read.recorded_at))) {
    const { temperature, disk, memory, cpu } = beat
    return { at: Date.parse(beat.at), temperature, disk_usage: disk, memory_usage: memory, cpu_usage: cpu }
  }
  if (!read || read.beats !== 1) return undefined
  const { temperature = null, disk_usage = null, memory_usage = null, cpu_usage = null } = read
  return { at: Date.parse(read.recorded_at), temperature, disk_usage, memory_usage, cpu_usage }
}
