import { expect, test } from 'vitest'
import fr from '../src/i18n/fr'
import { Words } from '../src/i18n/words'
import { answer } from '../src/pages/deployment/answer'
import { segments, shapeOf, standing, targetName, type Order } from '../src/pages/deployments/order'
import { sorted } from '../src/pages/groups/sorted'

const words = new Words('fr', fr)

function order(changes: Partial<Order>): Order {
  const none = { deployed_count: 0, failed_count: 0, open_count: 0, pending_count: 0, downloading_count: 0 }
  const about = { action: 'install', status: 'in_progress', target_type: 'group', target_id: 'g', target_name: 'Bretagne' }
  return { ...none, cancelled_count: 0, superseded_count: 0, ...about, total_count: 10, ...changes } as Order
}

test('an order is complete only when every site is as it wants', () => {
  expect(standing(order({ status: 'completed', deployed_count: 10 }))).toBe('complete')
  const replaced = order({ status: 'completed', deployed_count: 8, superseded_count: 2 })
  expect(standing(replaced)).toBe('partial')
  expect(shapeOf(replaced)).toBe('superseded')
  expect(standing(order({ status: 'failed', deployed_count: 9, failed_count: 1 }))).toBe('partial')
  expect(standing(order({ status: 'failed', failed_count: 10 }))).toBe('failed')
})

test('the answer says how many have it, what failed and what is awaited', () => {
  const counts = { total_count: 186, deployed_count: 182, failed_count: 4 }
  expect(answer(order({ status: 'failed', ...counts }), words)).toBe('182 clubs sur 186 ont la vidéo, 4 échecs')
  expect(answer(order({ total_count: 3, open_count: 3 }), words)).toBe('Aucun club sur 3 n’a encore la vidéo, 3 attendus')
  expect(answer(order({ status: 'completed', deployed_count: 10 }), words)).toBe('Les 10 clubs ont la vidéo')
  const removed = order({ action: 'remove', status: 'completed', total_count: 1, deployed_count: 1 })
  expect(answer(removed, words)).toBe('Le club n’a plus la vidéo')
})

test('a selection is counted in the language of the reader', () => {
  const selection = (groups: number, sites: number) =>
    order({ target_type: 'selection', target_id: null, selected_groups: groups, selected_sites: sites })
  expect(targetName(selection(3, 12), words)).toBe('3 groupes, 12 sites')
  expect(targetName(selection(1, 0), words)).toBe('1 groupe')
  expect(targetName(selection(0, 1), words)).toBe('1 site')
})

test('the shares of the bar are the whole', () => {
  const counts = { deployed_count: 4, downloading_count: 1, pending_count: 2, failed_count: 1, cancelled_count: 1, superseded_count: 1 }
  const shares = segments(order(counts), words)
  expect(shares.reduce((sum, share) => sum + share.value, 0)).toBe(10)
  expect(shares.find((share) => share.state === 'failed')?.label).toBe('1 échec')
})

test('groups are ordered as people read, and by their sizes', () => {
  const group = (name: string, site_count: number) => ({ name, site_count, created_at: '', type: null }) as never
  const names = (sort: string, by: string) =>
    sorted([group('Écoles', 2), group('Zone 10', 1), group('Zone 9', 3)], sort, by, words.formats.compare)?.map((one) => one.name)
  expect(names('name', 'asc')).toEqual(['Écoles', 'Zone 9', 'Zone 10'])
  expect(names('site_count', 'desc')).toEqual(['Zone 9', 'Écoles', 'Zone 10'])
})
