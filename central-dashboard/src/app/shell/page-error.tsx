import { useRouter } from '@tanstack/react-router'
import { Failed } from '~/ui/page'

/** When a page itself breaks or cannot be loaded. */
export function PageError({ error }: { error: unknown }) {
  const router = useRouter()
  return (
    <main className="broken">
      <Failed error={error} retry={() => void router.invalidate()} />
    </main>
  )
}
