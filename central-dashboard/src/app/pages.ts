/** The pages there are: their addresses, who may open them, and where they stand in the rail. */
import type { Role } from '~/api/types'
import type { IconName } from '~/ui/icons'

export const STAFF: readonly Role[] = ['super_admin', 'admin', 'operator', 'viewer']
export const OPERATORS: readonly Role[] = ['super_admin', 'admin', 'operator']
export const ADMINS: readonly Role[] = ['super_admin', 'admin']
export const SUPER_ADMINS: readonly Role[] = ['super_admin']

/** Which number stands beside a page's name. */
export type Count = 'sites' | 'deployments'

export interface Page {
  path: string
  /** Key of its name. */
  name: string
  icon: IconName
  roles: readonly Role[]
  section: 'main' | 'diffuse' | 'manage'
  /** The second key after `g`. */
  key: string
  count?: Count
}

export const PAGES: readonly Page[] = [
  { path: '/dashboard', name: 'app.page.fleet', icon: 'home', roles: STAFF, section: 'main', key: 'p' },
  { path: '/sites', name: 'app.page.sites', icon: 'screen', roles: STAFF, section: 'main', key: 's', count: 'sites' },
  { path: '/alerts', name: 'app.page.alerts', icon: 'bell', roles: STAFF, section: 'main', key: 'a' },
  { path: '/groups', name: 'app.page.groups', icon: 'people', roles: STAFF, section: 'main', key: 'g' },
  { path: '/content', name: 'app.page.library', icon: 'video', roles: STAFF, section: 'diffuse', key: 'v' },
  { path: '/send', name: 'app.page.send', icon: 'upload', roles: OPERATORS, section: 'diffuse', key: 'e' },
  {
    path: '/deployments',
    name: 'app.page.deployments',
    icon: 'send',
    roles: STAFF,
    section: 'diffuse',
    key: 'd',
    count: 'deployments',
  },
  { path: '/admin/users', name: 'app.page.users', icon: 'person', roles: ADMINS, section: 'manage', key: 'u' },
  { path: '/admin/agencies', name: 'app.page.agencies', icon: 'building', roles: ADMINS, section: 'manage', key: 'o' },
  { path: '/admin/audit', name: 'app.page.audit', icon: 'book', roles: ADMINS, section: 'manage', key: 'j' },
  { path: '/admin/security', name: 'app.page.security', icon: 'shield', roles: ADMINS, section: 'manage', key: 'k' },
  { path: '/admin/alerts', name: 'app.page.alertrules', icon: 'sliders', roles: ADMINS, section: 'manage', key: 'r' },
  { path: '/admin/storage', name: 'app.page.storage', icon: 'disc', roles: ADMINS, section: 'manage', key: 't' },
  { path: '/admin/doctor', name: 'app.page.doctor', icon: 'pulse', roles: SUPER_ADMINS, section: 'manage', key: 'i' },
]

/** The pages that this account may open. */
export const pagesFor = (role: Role): Page[] => PAGES.filter((page) => page.roles.includes(role))

/** The page of the rail to which an address belongs. */
export const pageAt = (path: string): Page | undefined =>
  PAGES.find((page) => path === page.path || path.startsWith(`${page.path}/`))

/** Whether somebody of this role may change things at all. */
export const mayWrite = (role: Role): boolean => OPERATORS.includes(role)
/** Whether somebody of this role may delete, and make new keys. */
export const mayDelete = (role: Role): boolean => ADMINS.includes(role)
/** Whether somebody of this role may open the pages of the fleet: partners and agencies may not. */
export const seesFleet = (role: Role): boolean => STAFF.includes(role)
/** Whether somebody of this role may say who gets in, and how. */
export const mayRule = (role: Role): boolean => role === 'super_admin'
