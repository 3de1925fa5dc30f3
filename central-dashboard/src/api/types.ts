/** The things that pages show, by short names. What the server's document does not have yet stands here by hand. */
import type { components } from './schema'

type S = components['schemas']
export type Role = S['Role']
export type Pagination = S['Pagination']
export type DisplayState = 'online' | 'warning' | 'offline' | 'unknown' | 'maintenance' | 'error'

export type Site = S['SiteView'] & {
  display_status: DisplayState
  behind: boolean
  free_bytes: number | null
}
export type NewSite = S['NewSite']
export type SiteChanges = S['SiteChanges']
export type SiteWithKey = S['SiteWithKey']
export type Inventory = S['Inventory']
export type Metrics = S['Metrics']

export interface Paged<T> {
  data: T[]
  pagination: Pagination
  total?: number
  next_cursor?: string | null
}

export interface SiteStats {
  total_sites: number
  online: number
  warning: number
  offline: number
  unknown: number
  maintenance: number
  error: number
  offline_24h: number
  behind: number
}

export interface Facet {
  value: string
  count: number
}

export interface SiteFacets {
  regions: Facet[]
  sports: Facet[]
  versions: Facet[]
}

export interface Availability {
  from: string
  to: string
  online_percent: number | null
  spans: { from: string; to: string; state: 'online' | 'offline' | 'unknown' }[]
}

export type Video = S['VideoView'] & { sites_count: number }
export type VideoChanges = S['VideoChanges']
export type Group = S['GroupView']
export type GroupList = S['GroupList']
export type NewGroup = S['NewGroup']

export type Deployment = S['DeploymentView'] & {
  installed_count?: number
  pending_count?: number
  downloading_count?: number
  cancelled_count?: number
  superseded_count?: number
  bytes?: number | null
  thumbnail_url?: string | null
}
export type DeploymentStatus = S['DeploymentStatus']
export type TargetState = S['TargetState']
export type Target = S['TargetView']

export interface DeploymentTarget {
  type: 'site' | 'group'
  id: string
}

export interface Preview {
  sites: number
  online: number
  offline: number
  never_seen: number
  already: number
  bytes_to_send: number
  bytes_per_site: number
  sites_short_of_space: number
  short_of_space: { site_id: string; club_name: string; free_bytes: number; missing_bytes: number }[]
  supersedes: number
}

export interface Cause {
  reason_code: string | null
  reason: string | null
  sites: number
}

export interface DeploymentSummary {
  open: number
  scheduled: number
  failed_7d: number
  completed_7d: number
}
