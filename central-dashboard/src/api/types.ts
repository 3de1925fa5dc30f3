/** The things that pages show, by short names. What the server's document does not have yet stands here by hand. */
import type { components } from './schema'

type S = components['schemas']
export type Role = S['Role']
export type FieldProblem = S['FieldProblem']
export type Pagination = S['Pagination']
export type DisplayState = S['DisplayStatus']

/** At whose midnight the days of a club begin. */
interface Zoned {
  time_zone?: string
}

/** What no list shows of a site is there only where it was read by itself. */
export type Site = S['SiteView'] & Zoned
export type NewSite = S['NewSite'] & Zoned
export type SiteChanges = S['SiteChanges'] & Zoned
export type SiteWithKey = S['SiteWithKey']
export type Inventory = S['Inventory']
export type Metrics = S['Metrics']

export interface Paged<T> {
  data: T[]
  pagination: Pagination
  total?: number
  next_cursor?: string | null
}

export type SiteStats = S['SiteStats']
export type Facet = S['Facet']
export type SiteFacets = S['Facets']

export interface Availability {
  from: string
  to: string
  online_percent: number | null
  spans: { from: string; to: string; state: 'online' | 'offline' | 'unknown' }[]
}

export type Video = S['VideoView'] & { sites_count: number }
export type VideoChanges = S['VideoChanges']
/** What is wrong, or was. */
export interface Alert {
  id: string
  site_id: string | null
  site_name: string | null
  club_name: string | null
  alert_type: string
  severity: 'info' | 'warning' | 'critical'
  message: string
  metadata: Record<string, unknown>
  status: 'active' | 'acknowledged' | 'resolved'
  created_at: string
  last_seen_at: string
  resolved_at: string | null
}

export interface Alerts {
  alerts: Alert[]
  counts: { open: number; active: number; critical: number }
  pagination: Pagination
}

export type Group = S['GroupView']
export type GroupList = S['GroupList']
export type NewGroup = S['NewGroup']

export type Deployment = S['DeploymentView']
export type DeploymentStatus = S['DeploymentStatus']
export type TargetState = S['TargetState']
export type Target = S['TargetView']

export type DeploymentTarget = S['Target']
export type NewDeployment = S['NewDeployment']
export type Plan = S['Plan']
export type Preview = S['Preview']

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
