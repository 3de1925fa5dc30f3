/** Two groups of one name cannot be told apart where one sends to them. */
import type { Group } from '~/api/types'
import { fold } from '~/ui/filters'

const same = (name: string) => fold(name).trim().replace(/\s+/g, ' ')

/** Another group that is called so, whatever its accents and capitals. */
export const nameTaken = (groups: Group[], name: string, own: string | undefined): Group | undefined =>
  groups.find((group) => group.id !== own && same(group.name) === same(name))
