import { expect, it } from 'vitest'
import { trafficAfter } from '../src/pages/send/preview'

const GB = 1_000_000_000

it.each([
  ['no limit', 4 * GB, null, GB, undefined],
  ['nothing to send', 6 * GB, 5 * GB, 0, undefined],
  ['far from it', GB, 5 * GB, GB, 'fits'],
  ['a byte below four fifths', 3 * GB, 5 * GB, GB - 1, 'fits'],
  ['four fifths', 3 * GB, 5 * GB, GB, 'near'],
  ['a byte below all', 3 * GB, 5 * GB, 2 * GB - 1, 'near'],
  ['all', 3 * GB, 5 * GB, 2 * GB, 'over'],
  ['a plan without any', 0, 0, 1, 'over'],
])('the month’s traffic after an order: %s', (_, traffic_bytes, traffic_limit_bytes, bytes_to_send, level) => {
  expect(trafficAfter({ traffic_bytes, traffic_limit_bytes, bytes_to_send })?.level).toBe(level)
})
