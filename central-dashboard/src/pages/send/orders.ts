/** The orders on their way: held for ten seconds, then one for each video. */
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { act } from '~/api/client'
import type { Deployment } from '~/api/types'
import { useWords } from '~/i18n/words'
import { toast } from '~/ui/toast'
import { useChoose, type Chosen } from './chosen'
import { useHold } from './hold'

export interface Failure {
  video: string
  error: unknown
}

export function useOrders(chosen: Chosen) {
  const { t } = useWords()
  const client = useQueryClient()
  const navigate = useNavigate()
  const choose = useChoose()
  const [failures, setFailures] = useState<Failure[]>([])
  const [sending, setSending] = useState(false)
  const there = useRef(true)
  useEffect(() => {
    there.current = true
    return () => {
      there.current = false
    }
  }, [])
  const send = async (plan: Chosen) => {
    setSending(true)
    const { made, failed } = await orderEach(plan)
    void client.invalidateQueries({ queryKey: ['deployments'] })
    void client.invalidateQueries({ queryKey: ['videos'] })
    if (made.length > 0) toast({ kind: 'success', text: t(plan.at ? 'send.planned' : 'send.gone', { count: made.length }) })
    if (failed.length > 0 && !there.current) toast({ kind: 'error', text: t('send.failed', { count: failed.length }) })
    if (!there.current) return
    setSending(false)
    setFailures(failed)
    const [first] = made
    if (failed.length > 0) choose.list('videos', failed.map((one) => one.video))
    else if (made.length === 1 && first) await navigate({ to: '/deployments/$id', params: { id: String(first.id) } })
    else await navigate({ to: '/deployments' })
  }
  const hold = useHold<Chosen>((plan) => void send(plan))
  // What is held is what was read: another choice is not sent in its place.
  const choice = JSON.stringify(chosen)
  const held = useRef('')
  const { undo } = hold
  useEffect(() => {
    if (held.current === '' || held.current === choice) return
    held.current = ''
    undo()
  }, [choice, undo])
  const begin = () => {
    setFailures([])
    held.current = choice
    hold.begin(chosen)
  }
  return { begin, hold, sending, failures }
}

export type Orders = ReturnType<typeof useOrders>

async function orderEach({ videos, targets, action, at }: Chosen) {
  const made: Deployment[] = []
  const failed: Failure[] = []
  for (const video of videos) {
    const order = { video_id: video, targets, action, ...(at ? { scheduled_at: at.toISOString() } : {}) }
    try {
      made.push(await act<Deployment>('POST', '/api/deployments', order))
    } catch (error) {
      failed.push({ video, error })
    }
  }
  return { made, failed }
}
