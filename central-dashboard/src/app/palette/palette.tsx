/** Finds clubs, videos, pages and acts by their names. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useDeferredValue, useEffect, useId, useState, type KeyboardEvent } from 'react'
import { get } from '~/api/client'
import { currentSession } from '~/api/session'
import type { Paged, Site, Video } from '~/api/types'
import { mayWrite, pagesFor, seesFleet } from '~/app/pages'
import { useTheme } from '~/app/preferences'
import { leave } from '~/app/shell/user-menu'
import { useWords, type Words } from '~/i18n/words'
import { Dialog } from '~/ui/dialog'
import { fold } from '~/ui/filters'
import { Icon, type IconName } from '~/ui/icons'
import './palette.css'

interface Entry {
  id: string
  group: 'sites' | 'videos' | 'pages' | 'acts'
  icon: IconName
  label: string
  note?: string | undefined
  keys?: string
  run: () => void
}

const GROUPS = ['sites', 'videos', 'pages', 'acts'] as const

export default function Palette({ onClose, onHelp }: { onClose: () => void; onHelp?: () => void }) {
  const words = useWords()
  const { t } = words
  const [text, setText] = useState('')
  const entries = useEntries(text, onHelp)
  const [at, setAt] = useState(0)
  const id = useId()
  useEffect(() => setAt(0), [text])
  const choose = (entry: Entry | undefined) => {
    if (!entry) return
    onClose()
    entry.run()
  }
  const onKey = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (by !== 0 && entries.length > 0) {
      event.preventDefault()
      setAt((at + by + entries.length) % entries.length)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      choose(entries[at])
    }
  }
  const option = (index: number) => `${id}-${index}`
  return (
    <Dialog open onClose={onClose} title={t('palette.title')} wide>
      <div className="palette">
        <label className="palette-input">
          <Icon name="search" />
          <input
            value={text}
            role="combobox"
            aria-expanded="true"
            aria-controls={id}
            aria-activedescendant={entries.length > 0 ? option(at) : undefined}
            aria-label={t('app.find')}
            placeholder={t('app.find')}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={onKey}
          />
        </label>
        <div id={id} role="listbox" aria-label={t('palette.results')} className="palette-list">
          {GROUPS.map((group) => {
            const own = entries.filter((entry) => entry.group === group)
            if (own.length === 0) return null
            return (
              <div key={group} role="group" aria-label={t(`palette.group.${group}`)}>
                <h3 aria-hidden="true">{t(`palette.group.${group}`)}</h3>
                {own.map((entry) => {
                  const index = entries.indexOf(entry)
                  return (
                    <Option key={entry.id} id={option(index)} entry={entry} current={index === at} onChoose={() => choose(entry)} />
                  )
                })}
              </div>
            )
          })}
        </div>
        <p role="status" className={entries.length === 0 ? 'palette-none' : 'vh'}>
          {t('palette.count', { count: entries.length, text })}
        </p>
      </div>
    </Dialog>
  )
}

function Option({ id, entry, current, onChoose }: { id: string; entry: Entry; current: boolean; onChoose: () => void }) {
  useEffect(() => {
    if (current) document.getElementById(id)?.scrollIntoView({ block: 'nearest' })
  }, [current, id])
  return (
    <div id={id} role="option" aria-selected={current} className="palette-option" onClick={onChoose}>
      <Icon name={entry.icon} />
      <span>{entry.label}</span>
      {entry.note ? <small>{entry.note}</small> : null}
      {entry.keys ? (
        <span className="palette-keys" aria-hidden="true">
          {entry.keys.split(' ').map((key) => (
            <kbd key={key}>{key}</kbd>
          ))}
        </span>
      ) : null}
    </div>
  )
}

/** What fits the text: found clubs and videos first, then pages and acts. */
function useEntries(text: string, onHelp: (() => void) | undefined): Entry[] {
  const words = useWords()
  const navigate = useNavigate()
  const { setTheme } = useTheme()
  const session = currentSession()
  const role = session.state === 'in' ? session.user.role : 'viewer'
  const wanted = useDeferredValue(text.trim())
  const found = useFound(wanted, seesFleet(role))
  const pages: Entry[] = pagesFor(role).map((page) => ({
    id: page.path,
    group: 'pages',
    icon: page.icon,
    label: words.t(page.name),
    keys: `g ${page.key}`,
    run: () => void navigate({ to: page.path }),
  }))
  const acts = actsFor(words, mayWrite(role), {
    go: (to) => void navigate({ to }),
    theme: setTheme,
    help: onHelp,
  })
  const fits = (entry: Entry) => fold(entry.label).includes(fold(wanted))
  const sites: Entry[] = found.sites.map((site) => ({
    id: site.id,
    group: 'sites',
    icon: 'screen',
    label: site.club_name,
    note: site.site_name,
    run: () => void navigate({ to: '/sites/$id/$tab', params: { id: site.id, tab: 'apercu' } }),
  }))
  const videos: Entry[] = found.videos.map((video) => ({
    id: String(video.id),
    group: 'videos',
    icon: 'video',
    label: video.title,
    note: words.formats.bytes(video.file_size),
    run: () => void navigate({ to: '/content/$id', params: { id: String(video.id) } }),
  }))
  return [...sites, ...videos, ...pages.filter(fits), ...acts.filter(fits)]
}

/** Clubs and videos are only looked for by those who may open their pages. */
function useFound(wanted: string, sees: boolean) {
  const on = sees && wanted.length >= 2
  const sites = useQuery({
    queryKey: ['sites', 'found', wanted],
    queryFn: ({ signal }) => get<Paged<Site>>('/api/sites', { search: wanted, page: 1, limit: 6 }, signal),
    enabled: on,
    placeholderData: (before) => before,
  })
  const videos = useQuery({
    queryKey: ['videos', 'found', wanted],
    queryFn: ({ signal }) => get<Paged<Video>>('/api/videos', { search: wanted, page: 1, limit: 6 }, signal),
    enabled: on,
    placeholderData: (before) => before,
  })
  return { sites: on ? (sites.data?.data ?? []) : [], videos: on ? (videos.data?.data ?? []) : [] }
}

interface Ways {
  go: (to: string) => void
  theme: (theme: 'light' | 'dark') => void
  help: (() => void) | undefined
}

function actsFor({ t }: Words, writes: boolean, ways: Ways): Entry[] {
  const act = (id: string, icon: IconName, label: string, run: () => void): Entry => ({ id, group: 'acts', icon, label, run })
  const all = [
    act('dark', 'moon', t('palette.act.dark'), () => ways.theme('dark')),
    act('light', 'sun', t('palette.act.light'), () => ways.theme('light')),
    act('profile', 'person', t('app.profile'), () => ways.go('/profile')),
    act('logout', 'logout', t('app.logout'), () => void leave(t('app.logout.alone'))),
  ]
  if (ways.help) all.unshift(act('help', 'help', t('app.keys'), ways.help))
  if (!writes) return all
  return [
    act('send', 'send', t('palette.act.send'), () => ways.go('/send')),
    act('club', 'plus', t('palette.act.club'), () => ways.go('/sites/new')),
    ...all,
  ]
}
