import { useState } from 'react'
import { useUser } from '~/api/session'
import { pagesFor } from '~/app/pages'
import { useWords } from '~/i18n/words'
import { Check } from '~/ui/form'
import { Sheet } from '~/ui/dialog'
import { shortcutsOn, turnShortcuts } from '~/ui/shortcuts'

const GENERAL = [
  ['Ctrl K', 'app.keys.palette'],
  ['/', 'app.keys.search'],
  ['?', 'app.keys.help'],
  ['Esc', 'app.keys.back'],
] as const

const LISTS = [
  ['j', 'app.keys.down'],
  ['k', 'app.keys.up'],
  ['x', 'app.keys.select'],
  ['Enter', 'app.keys.open'],
] as const

/** What the keyboard can do, and the switch that turns it off. */
export function ShortcutSheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useWords()
  const { role } = useUser()
  const [on, set] = useState(shortcutsOn)
  const pages = pagesFor(role).map((page) => [`g ${page.key}`, page.name] as const)
  return (
    <Sheet open={open} onClose={onClose} title={t('app.keys')}>
      <Keys title={t('app.keys.general')} keys={GENERAL} />
      <Keys title={t('app.keys.lists')} keys={LISTS} />
      <Keys title={t('app.keys.pages')} keys={pages} />
      <Check
        label={t('app.keys.on')}
        checked={on}
        onChange={(event) => {
          turnShortcuts(event.target.checked)
          set(event.target.checked)
        }}
      />
    </Sheet>
  )
}

function Keys({ title, keys }: { title: string; keys: readonly (readonly [string, string])[] }) {
  const { t } = useWords()
  return (
    <section className="keys">
      <h3>{title}</h3>
      <dl>
        {keys.map(([key, name]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{t(name)}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
