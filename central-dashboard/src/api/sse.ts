/** Reads a text/event-stream from a fetch answer: `EventSource` cannot send a token. */
export interface StreamEvent {
  event: string
  data: string
}

/** Calls `on` for every event and `alive` for every piece, comments too. Ends when the stream does. */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  on: (event: StreamEvent) => void,
  alive: () => void,
): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    alive()
    rest += value.replaceAll('\r\n', '\n')
    let end: number
    while ((end = rest.indexOf('\n\n')) >= 0) {
      const event = parse(rest.slice(0, end))
      rest = rest.slice(end + 2)
      if (event) on(event)
    }
  }
}

/** One block of lines; `null` when it is only a comment. */
export function parse(block: string): StreamEvent | null {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) event = line.slice(6).trim()
    else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
  }
  return data.length === 0 ? null : { event, data: data.join('\n') }
}
