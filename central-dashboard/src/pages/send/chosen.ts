/** What is chosen stands in the address: a reload keeps it, and a link carries it. */
import { getRouteApi } from '@tanstack/react-router'
import { useMemo } from 'react'
import type { DeploymentTarget } from '~/api/types'

const route = getRouteApi('/shell/send')

export type Action = 'install' | 'remove'
type Lists = 'videos' | 'sites' | 'groups'

export interface Chosen {
  videos: string[]
  sites: string[]
  groups: string[]
  action: Action
  /** When, if not now. */
  at: Date | undefined
  targets: DeploymentTarget[]
}

export function useChosen(): Chosen {
  const { videos, sites, groups, action, at } = route.useSearch()
  return useMemo(() => {
    const chosen = { videos: split(videos), sites: split(sites), groups: split(groups) }
    const when = at === undefined ? undefined : new Date(at)
    return {
      ...chosen,
      action: action === 'remove' ? 'remove' : 'install',
      at: when && !Number.isNaN(when.getTime()) ? when : undefined,
      targets: [
        ...chosen.groups.map((id) => ({ type: 'group' as const, id })),
        ...chosen.sites.map((id) => ({ type: 'site' as const, id })),
      ],
    }
  }, [videos, sites, groups, action, at])
}

const split = (text: string | undefined): string[] => [...new Set((text ?? '').split(',').filter(Boolean))]

export function useChoose() {
  const navigate = route.useNavigate()
  const set = (by: Partial<Record<Lists | 'action' | 'at', string | undefined>>) =>
    void navigate({ search: (before) => ({ ...before, ...by }), replace: true })
  return {
    list: (name: Lists, ids: string[]) => set({ [name]: ids.length > 0 ? ids.join(',') : undefined }),
    action: (action: Action) => set({ action: action === 'install' ? undefined : action }),
    at: (at: Date | undefined) => set({ at: at?.toISOString() }),
  }
}

/** The list with one more or one less. */
export function flipped(ids: string[], id: string): string[] {
  return ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id]
}
