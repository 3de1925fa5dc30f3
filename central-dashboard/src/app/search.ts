/** Filters in the address: only known names, and only values that the server takes; everything else is left out. */
type Rule = (text: string) => boolean
export type Texts<Rules> = { [K in keyof Rules]?: string | undefined }

function texts<const Rules extends Record<string, Rule>>(rules: Rules) {
  return (search: Record<string, unknown>): Texts<Rules> => {
    const kept: Record<string, string | undefined> = {}
    for (const [name, holds] of Object.entries(rules)) {
      const value = search[name]
      // The router reads `true` and numbers out of an address by itself.
      const text = typeof value === 'boolean' || typeof value === 'number' ? String(value) : value
      // What is refused is named as well: the router lays what we return over what stood in the address.
      kept[name] = typeof text === 'string' && text !== '' && holds(text) ? text : undefined
    }
    return kept as Texts<Rules>
  }
}

/** The server takes so many characters, and none that nobody can see. */
const line =
  (most: number): Rule =>
  (text) =>
    [...text.trim()].length <= most && !/\p{Cc}/u.test(text.trim())
const words = line(200)
const name = line(100)
const any: Rule = () => true
const one =
  (...known: string[]): Rule =>
  (text) =>
    known.includes(text)
const id: Rule = (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
/** With its offset, as the server wants it, and on a day that there is: browsers read `1` and the 30th of February, too. */
const moment: Rule = (text) => {
  const day = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/.exec(text)?.[1]
  return day !== undefined && new Date(`${day}T00:00Z`).getUTCDate() === Number(day.slice(8))
}
const day: Rule = (text) => /^\d{4}-\d\d-\d\d$/.test(text) && moment(`${text}T00:00Z`)
const count: Rule = (text) => /^[1-9]\d{0,5}$/.test(text)
const yes = one('true')
const order = one('asc', 'desc')
const siteState = one('online', 'warning', 'offline', 'unknown', 'maintenance', 'error')
const siteSort = one('created_at', 'club_name', 'site_name', 'city', 'status', 'last_seen_at', 'software_version')
const accountState = one('active', 'inactive', 'suspended')
const targetState = one('pending', 'downloading', 'installed', 'failed', 'cancelled', 'superseded')

/** What may stand in the address of each page. */
export const filters = {
  login: texts({ returnUrl: any }),
  // What a link of a mail or of the log carries.
  link: texts({ token: words }),
  sites: texts({
    search: words,
    display_status: siteState,
    region: line(255),
    sport: name,
    version: name,
    group_id: id,
    seen_before: moment,
    behind: one('true', 'false'),
    sort: siteSort,
    order,
  }),
  alerts: texts({ status: one('active', 'acknowledged', 'resolved'), severity: one('critical', 'warning') }),
  groups: texts({ search: words, type: one('sport', 'geography', 'version', 'custom'), sort: words, order }),
  group: texts({ search: words, display_status: siteState, sort: siteSort, order }),
  library: texts({
    search: words,
    category: name,
    kind: one('video', 'image'),
    unused: yes,
    sort: one('created_at', 'title', 'file_size', 'duration'),
    order,
    view: one('list'),
  }),
  video: texts({ state: targetState }),
  // Comma-separated ids: what is chosen before one comes here.
  send: texts({ videos: any, sites: any, groups: any, action: one('install', 'remove'), at: moment, step: words }),
  deployments: texts({
    search: words,
    status: one('pending', 'scheduled', 'in_progress', 'completed', 'failed', 'cancelled'),
    open: yes,
    video_id: id,
    target_id: id,
  }),
  deployment: texts({ state: targetState, reason_code: line(64) }),
  users: texts({
    search: words,
    role: one('super_admin', 'admin', 'operator', 'viewer', 'sponsor', 'agency'),
    status: accountState,
    sort: one('full_name', 'email', 'role', 'status', 'last_login_at', 'created_at'),
    order,
  }),
  agencies: texts({ search: words, status: accountState, sort: one('name', 'site_count', 'status', 'created_at'), order }),
  agency: texts({ search: words }),
  doctor: texts({ state: one('error', 'warning', 'ok', 'not_checked') }),
  audit: texts({
    search: words,
    action: name,
    userId: id,
    targetType: line(50),
    targetId: name,
    from: day,
    to: day,
    page: count,
  }),
}
