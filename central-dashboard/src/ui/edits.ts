/** Two people may change one thing at the same time: only what one has changed is sent, and where both did, it is said. */
import { useState } from 'react'
import type { Words } from '~/i18n/words'
import type { Problems } from './form'
import type { Wrong } from './sending'

/** What a form says of a thing, by the names of its fields. */
export type Content = Record<string, string | boolean>

/** The fields that were changed in the form. */
export function changedIn<C extends Content>(opened: C, wanted: C): (keyof C & string)[] {
  return Object.keys(wanted).filter((field) => wanted[field] !== opened[field])
}

/** Of these, those that somebody else has set to something else since they were seen. */
export function crossedIn<C extends Content>(seen: C, now: C, wanted: C): (keyof C & string)[] {
  return changedIn(seen, now).filter((field) => now[field] !== wanted[field])
}

/** The same thing with other values in these fields. */
export function taken<C extends Content>(from: C, fields: (keyof C & string)[]): Partial<C> {
  return Object.fromEntries(fields.map((field) => [field, from[field]])) as Partial<C>
}

/** Somebody else wrote in the same fields. */
export class Crossed extends Error {
  constructor(readonly problems: Problems) {
    super('crossed')
  }

  said({ t }: Words): Wrong {
    return { problems: this.problems, sentence: t('ui.form.crossed.title') }
  }
}

/** A form over something that others may change while it is open. */
export function useEdit<C extends Content>(content: C) {
  const [opened] = useState(content)
  const [seen, see] = useState(content)
  return {
    /** What the form was opened with, whatever has become of it since. */
    opened,
    changed: (wanted: C) => changedIn(opened, wanted),
    /** Where the form contradicts what somebody else wrote; said once, since whoever saves again has read it. */
    crossed(now: C, wanted: C, { t }: Words, shown = (_field: string, value: string) => value): Problems {
      const mine = changedIn(opened, wanted)
      const fields = crossedIn(seen, now, wanted).filter((field) => mine.includes(field))
      see(now)
      const said = (field: string) =>
        now[field] === '' ? t('ui.form.crossed.empty') : t('ui.form.crossed', { value: shown(field, String(now[field])) })
      return Object.fromEntries(fields.map((field) => [field, said(field)]))
    },
  }
}
