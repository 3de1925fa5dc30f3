/** Filters that live in the address: what is on the screen can be sent as a link. */
import { Combobox, useCombobox } from '@mantine/core'
import { useEffect, useRef, useState, type ComponentProps } from 'react'
import { useWords } from '~/i18n/words'
import { Icon } from './icons'
import { fold } from './fold'
import './filters.css'

export { fold }

export interface Choice {
  value: string
  label: string
  count?: number
}

interface FilterSelectProps {
  label: string
  choices: Choice[]
  value: string | undefined
  onChange: (value: string | undefined) => void
}

/** One filter: closed it says what it filters by; the choices are values that exist. */
export function FilterSelect({ label, choices, value, onChange }: FilterSelectProps) {
  const { t, formats } = useWords()
  const [search, setSearch] = useState('')
  const box = useCombobox({
    onDropdownClose: () => {
      box.resetSelectedOption()
      setSearch('')
    },
    onDropdownOpen: () => box.focusSearchInput(),
  })
  const chosen = choices.find((choice) => choice.value === value)
  const wanted = fold(search)
  const shown = choices.filter((choice) => fold(choice.label).includes(wanted))
  return (
    <Combobox
      store={box}
      width={260}
      position="bottom-start"
      onOptionSubmit={(next) => {
        onChange(next === ALL ? undefined : next)
        box.closeDropdown()
      }}
    >
      <Combobox.Target targetType="button">
        <Opener opened={box.dropdownOpened} className={`btn sm filter${value ? ' set' : ''}`} onClick={() => box.toggleDropdown()}>
          {value ? t('ui.filter.set', { label, value: chosen?.label ?? value }) : label}
          <Icon name="down" />
        </Opener>
      </Combobox.Target>
      <Combobox.Dropdown>
        {choices.length > 8 ? (
          <Combobox.Search value={search} onChange={(event) => setSearch(event.target.value)} placeholder={t('ui.filter.search')} />
        ) : null}
        <Combobox.Options className="filter-options" aria-label={label} tabIndex={0}>
          {value ? <Combobox.Option value={ALL}>{t('ui.filter.all')}</Combobox.Option> : null}
          {shown.map((choice) => (
            <Combobox.Option key={choice.value} value={choice.value} active={choice.value === value}>
              <span>{choice.label}</span>
              {choice.count === undefined ? null : <em>{formats.number(choice.count)}</em>}
            </Combobox.Option>
          ))}
          {shown.length === 0 ? <Combobox.Empty>{t('ui.filter.none')}</Combobox.Empty> : null}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  )
}

/** The button says whether its list is open: to those who hear it, and to a dialog, which Escape does not close then. */
function Opener({ opened, ...rest }: { opened: boolean } & ComponentProps<'button'>) {
  return <button type="button" {...rest} aria-expanded={opened} />
}

const ALL = '\u0000'


/** The search of a list: `/` jumps into it; it asks 200 ms after the last letter. */
export function SearchField(props: { label: string; value: string | undefined; onChange: (value: string | undefined) => void }) {
  const { label, value = '', onChange } = props
  const { t } = useWords()
  const [text, setText] = useState(value)
  const sent = useRef(value)
  useEffect(() => {
    // The address changed by another way than this field: the field follows.
    if (value === sent.current) return
    sent.current = value
    setText(value)
  }, [value])
  useEffect(() => {
    if (text.trim() === sent.current) return
    const timer = setTimeout(() => {
      sent.current = text.trim()
      onChange(sent.current || undefined)
    }, 200)
    return () => clearTimeout(timer)
  }, [text, onChange])
  return (
    <span className="search-field">
      <Icon name="search" />
      <input type="search" aria-label={label} placeholder={label} value={text} data-list-search onChange={(event) => setText(event.target.value)} />
      {text ? (
        <button type="button" aria-label={t('ui.filter.clear')} onClick={() => setText('')}>
          <Icon name="close" />
        </button>
      ) : (
        <kbd aria-hidden="true">/</kbd>
      )}
    </span>
  )
}
