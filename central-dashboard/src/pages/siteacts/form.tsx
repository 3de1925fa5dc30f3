import { useQuery } from '@tanstack/react-query'
import { useId, useMemo, type FormEvent } from 'react'
import { reads } from '~/api/reads'
import type { Site } from '~/api/types'
import { useWords, type Words } from '~/i18n/words'
import { ErrorSummary, problemsOf, SelectField, TextField, type Problems } from '~/ui/form'
import { FRENCH, nameOf, others } from './zones'
import './siteacts.css'

interface SiteFormProps {
  /** The form's id, for a button that stands elsewhere. */
  id: string
  /** What is to be changed; nothing for a new club. */
  site?: Site | undefined
  problems: Problems
  sentence: string | undefined
  onSubmit: (form: FormData) => void
}

/** Who and where: the same fields for a new club and for one that changes. */
export function SiteForm({ id, site, problems, sentence, onSubmit }: SiteFormProps) {
  const { t } = useWords()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    onSubmit(new FormData(event.currentTarget))
  }
  const field = (name: string) => ({ name, problem: problems[name] })
  return (
    <form id={id} className="form" onSubmit={submit} noValidate>
      <ErrorSummary problems={problems} sentence={sentence} />
      <TextField
        label={t('siteacts.club_name')}
        {...field('club_name')}
        defaultValue={site?.club_name}
        autoComplete="organization"
        required
        maxLength={255}
        autoFocus={!site}
      />
      <TextField
        label={t('siteacts.site_name')}
        hint={t('siteacts.site_name.hint')}
        {...field('site_name')}
        defaultValue={site?.site_name}
        autoComplete="off"
        required
        maxLength={255}
      />
      <PlaceFields site={site} problems={problems} />
      {/* A server that is older than this page says none. */}
      {!site || site.time_zone ? <ZoneField own={site?.time_zone} problem={problems['time_zone']} /> : null}
      <TextField
        label={t('siteacts.sports')}
        hint={t('siteacts.sports.hint')}
        {...field('sports')}
        defaultValue={(site?.sports ?? []).join(', ')}
        autoComplete="off"
      />
      {site ? null : (
        <TextField
          label={t('siteacts.hardware')}
          hint={t('siteacts.hardware.hint')}
          {...field('hardware_model')}
          autoComplete="off"
          list="hardware"
          maxLength={100}
        />
      )}
      <datalist id="hardware">
        <option value="Raspberry Pi 4" />
        <option value="Raspberry Pi 5" />
      </datalist>
    </form>
  )
}

/** Region and sport are filters: what exists already is offered, so that one thing keeps one name. */
function PlaceFields({ site, problems }: { site: Site | undefined; problems: Problems }) {
  const { t } = useWords()
  const regions = useId()
  const { data } = useQuery(reads.siteFacets())
  const place = site?.location
  return (
    <div className="pair">
      <TextField
        label={t('siteacts.city')}
        name="city"
        problem={problems['city']}
        defaultValue={place?.city}
        autoComplete="address-level2"
        required
        maxLength={255}
      />
      <TextField
        label={t('siteacts.region')}
        name="region"
        problem={problems['region']}
        defaultValue={place?.region}
        autoComplete="address-level1"
        required
        list={regions}
        maxLength={255}
      />
      <TextField
        label={t('siteacts.country')}
        name="country"
        problem={problems['country']}
        defaultValue={site ? place?.country : t('siteacts.country.default')}
        autoComplete="country-name"
        maxLength={255}
      />
      <datalist id={regions}>
        {data?.regions.map(({ value }) => (
          <option key={value} value={value} />
        ))}
      </datalist>
    </div>
  )
}

/** A list and not a text: nobody has to know how these names are written. */
function ZoneField({ own, problem }: { own: string | undefined; problem: string | undefined }) {
  const { t } = useWords()
  const areas = useMemo(() => others(own), [own])
  const option = (zone: string) => (
    <option key={zone} value={zone}>
      {nameOf(zone)}
    </option>
  )
  return (
    <SelectField label={t('siteacts.zone')} hint={t('siteacts.zone.hint')} name="time_zone" problem={problem} defaultValue={own ?? FRENCH[0]}>
      <optgroup label={t('siteacts.zone.french')}>{FRENCH.map(option)}</optgroup>
      {areas.map(([area, zones]) => (
        <optgroup key={area} label={area}>
          {zones.map(option)}
        </optgroup>
      ))}
    </SelectField>
  )
}

const REQUIRED = ['club_name', 'site_name', 'city', 'region'] as const

/** What is missing, before the server is asked. */
export function missing(form: FormData, { t }: Words): Problems {
  const empty: Problems = {}
  for (const name of REQUIRED) {
    if (!text(form, name)) empty[name] = t(`siteacts.missing.${name}`)
  }
  return empty
}

/** What the server found wrong, under the names of the fields here: it says `location.city`. */
export const found = (error: unknown, words: Words): Problems =>
  Object.fromEntries(Object.entries(problemsOf(error, words)).map(([name, said]) => [name.split('.').pop() ?? name, said]))

const text = (form: FormData, name: string) => String(form.get(name) ?? '').trim()
