/** Filters in the address: only the known names, only texts; everything else in an address is left out. */
export type Texts<Names extends readonly string[]> = { [K in Names[number]]?: string | undefined }

function texts<const Names extends readonly string[]>(names: Names) {
  return (search: Record<string, unknown>): Texts<Names> => {
    const kept: Record<string, string> = {}
    for (const name of names) {
      const value = search[name]
      if (typeof value === 'string' && value !== '') kept[name] = value
    }
    return kept as Texts<Names>
  }
}

/** What may stand in the address of each page. */
export const filters = {
  login: texts(['returnUrl']),
  sites: texts(['search', 'display_status', 'region', 'sport', 'version', 'group_id', 'seen_before', 'sort', 'order']),
  groups: texts(['search', 'type', 'sort', 'order']),
  group: texts(['search', 'display_status', 'sort', 'order']),
  library: texts(['search', 'category', 'kind', 'unused', 'sort', 'order', 'view']),
  video: texts(['state']),
  // Comma-separated ids: what is chosen before one comes here.
  send: texts(['videos', 'sites', 'groups', 'action', 'at', 'step']),
  deployments: texts(['search', 'status', 'open', 'video_id', 'target_id']),
  deployment: texts(['state', 'reason_code']),
}
