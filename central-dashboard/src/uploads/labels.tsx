/** The fields that say what a video is: the same for a file on its way and for one in the library. */
import { useId } from 'react'
import { useWords } from '~/i18n/words'
import { TextField, type Problems } from '~/ui/form'
import type { Labels } from './transport'

interface LabelFieldsProps {
  title: string
  category: string | null
  subcategory: string | null
  /** Those that exist: they are offered. */
  categories: string[]
  problems?: Problems
}

export function LabelFields({ title, category, subcategory, categories, problems = {} }: LabelFieldsProps) {
  const { t } = useWords()
  const list = useId()
  return (
    <>
      <TextField label={t('uploads.label.title')} name="title" defaultValue={title} maxLength={255} required problem={problems['title']} />
      <TextField
        label={t('uploads.label.category')}
        hint={t('uploads.label.category.hint')}
        name="category"
        defaultValue={category ?? ''}
        maxLength={100}
        list={list}
        autoComplete="off"
        problem={problems['category']}
      />
      <datalist id={list}>
        {categories.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <TextField
        label={t('uploads.label.subcategory')}
        name="subcategory"
        defaultValue={subcategory ?? ''}
        maxLength={100}
        autoComplete="off"
        problem={problems['subcategory']}
      />
    </>
  )
}

/** What stands in them. */
export function labelsOf(form: HTMLFormElement): Labels {
  const data = new FormData(form)
  const text = (name: string) => String(data.get(name) ?? '').trim()
  return { title: text('title'), category: text('category'), subcategory: text('subcategory') }
}
