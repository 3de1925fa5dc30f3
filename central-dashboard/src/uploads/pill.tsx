/** On every other page: that files are on their way, how far they are, and the way to them. */
import { Link, useLocation } from '@tanstack/react-router'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'
import { usePresence } from './presence'
import './uploads.css'

export default function UploadPill() {
  const { t, formats } = useWords()
  const { pathname } = useLocation()
  const { open, stuck, share } = usePresence()
  if (pathname === '/content' || (open === 0 && stuck === 0)) return null
  return (
    <Link to="/content" className={stuck > 0 ? 'upload-pill stuck' : 'upload-pill'}>
      <Icon name="upload" />
      <span role="status">
        {open > 0 ? t('uploads.pill', { count: open }) : t('uploads.heading.stuck', { count: stuck })}
      </span>
      {open > 0 ? <span>{formats.percent(share, 0)}</span> : null}
      <i style={{ width: `${100 * share}%` }} />
    </Link>
  )
}
