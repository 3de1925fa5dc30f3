/** Files may be dropped anywhere on the page. */
import { useEffect, useRef, useState } from 'react'
import { useReadOnly } from '~/app/preferences'
import { useWords } from '~/i18n/words'
import { Icon } from '~/ui/icons'

export function DropZone({ onFiles }: { onFiles: (files: File[]) => void }) {
  const { t } = useWords()
  const [over, setOver] = useState(false)
  const readOnly = useReadOnly() !== undefined
  const take = useRef(onFiles)
  useEffect(() => {
    take.current = onFiles
  })
  useEffect(() => {
    const stop = new AbortController()
    const { signal } = stop
    // Entering a child leaves its parent: only the balance tells whether the pointer is gone.
    let depth = 0
    const on = (name: 'dragenter' | 'dragleave' | 'dragover' | 'drop', run: (event: DragEvent) => void) =>
      addEventListener(name, (event) => {
        if (!event.dataTransfer?.types.includes('Files')) return
        event.preventDefault()
        run(event)
      }, { signal })
    on('dragenter', () => {
      depth += 1
      setOver(true)
    })
    on('dragleave', () => {
      depth -= 1
      if (depth <= 0) setOver(false)
    })
    on('dragover', () => undefined)
    on('drop', (event) => {
      depth = 0
      setOver(false)
      if (!readOnly) take.current(filesOf(event.dataTransfer))
    })
    return () => stop.abort()
  }, [readOnly])
  if (!over) return null
  return (
    <div className="drop-zone" aria-hidden="true">
      <div>
        <Icon name="upload" />
        <b>{t(readOnly ? 'library.drop.offline' : 'library.drop')}</b>
        <span>{t('library.drop.kinds')}</span>
      </div>
    </div>
  )
}

/** The files; a folder is none. */
function filesOf(dropped: DataTransfer | null): File[] {
  return [...(dropped?.items ?? [])].flatMap((item) => {
    if (item.kind !== 'file' || item.webkitGetAsEntry()?.isDirectory) return []
    return item.getAsFile() ?? []
  })
}
