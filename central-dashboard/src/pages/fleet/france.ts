/** Mainland France and Corsica as a grid of dots: a coarse outline of our own, enough to say where a club is. */
import type { DisplayState } from '~/api/types'

type Place = readonly [lng: number, lat: number]

const MAINLAND: Place[] = [
  [2.5, 51.1], [4.2, 49.95], [6, 49.45], [8.2, 48.97], [7.6, 47.6], [6.9, 47.3], [6.1, 46.5], [6.8, 46.4], [7, 45.9],
  [6.6, 45.1], [7, 44.3], [7.7, 44.1], [7.5, 43.75], [6.6, 43.2], [5.9, 43.05], [4.8, 43.35], [4, 43.55], [3.1, 43.1],
  [3.1, 42.45], [1.7, 42.5], [0.7, 42.75], [-0.7, 42.85], [-1.75, 43.35], [-1.25, 44.6], [-1.1, 45.6], [-1.2, 46.2],
  [-2.1, 46.85], [-2.5, 47.3], [-3.4, 47.7], [-4.4, 47.85], [-4.75, 48.35], [-3.5, 48.8], [-2.7, 48.55], [-1.5, 48.65],
  [-1.6, 49.2], [-1.9, 49.7], [-1.25, 49.7], [-1.1, 49.35], [0.2, 49.35], [0.2, 49.7], [1.5, 50.1], [1.6, 50.85],
]

const CORSICA: Place[] = [[9.4, 43], [9.55, 42.1], [9.2, 41.4], [8.6, 41.9], [8.65, 42.5]]

const WEST = -5.2
const NORTH = 51.4
/** Units of the picture per degree; a degree east is shorter than one north at this latitude. */
const TALL = 27
const WIDE = TALL * Math.cos((46.5 * Math.PI) / 180)
const STEP = 6.2
const ROW = STEP * 0.866

export const SIZE = { width: Math.round(15 * WIDE), height: Math.round(10.2 * TALL) }

export interface Dot {
  x: number
  y: number
  /** The most serious state of the clubs that lie here; nothing where there is no club. */
  state?: DisplayState
}

export interface Located {
  display_status: DisplayState
  location?: { coordinates?: { lat: number; lng: number } } | null
}

/** Most serious first: where clubs share a dot, this one is seen. */
const ORDER: DisplayState[] = ['error', 'offline', 'warning', 'maintenance', 'online', 'unknown']

/** The dots, and how many clubs are on none: without coordinates, or elsewhere in the world. */
export function dots(sites: Located[]): { dots: Dot[]; elsewhere: number; nowhere: number } {
  const cells = new Map(grid().map((dot) => [key(dot.column, dot.row), dot]))
  let elsewhere = 0
  let nowhere = 0
  for (const { display_status: state, location } of sites) {
    const at = location?.coordinates
    if (!at) {
      nowhere += 1
      continue
    }
    const dot = nearest(cells, at.lng, at.lat)
    if (!dot) elsewhere += 1
    else if (dot.state === undefined || ORDER.indexOf(state) < ORDER.indexOf(dot.state)) dot.state = state
  }
  return { dots: [...cells.values()], elsewhere, nowhere }
}

type Cell = Dot & { column: number; row: number }

const key = (column: number, row: number) => `${column} ${row}`
const shift = (row: number) => (row % 2 === 0 ? 0 : STEP / 2)

function grid(): Cell[] {
  const found: Cell[] = []
  for (let row = 0; row * ROW < SIZE.height; row += 1) {
    for (let column = 0; column * STEP < SIZE.width; column += 1) {
      const x = column * STEP + shift(row) + STEP / 2
      const y = row * ROW + ROW / 2
      const place: Place = [WEST + x / WIDE, NORTH - y / TALL]
      if (within(MAINLAND, place) || within(CORSICA, place)) found.push({ x: round(x), y: round(y), column, row })
    }
  }
  return found
}

/** The dot at a place, or the closest within three steps: coasts are coarse. */
function nearest(cells: Map<string, Cell>, lng: number, lat: number): Cell | undefined {
  const x = (lng - WEST) * WIDE
  const y = (NORTH - lat) * TALL
  let best: Cell | undefined
  let least = (3 * STEP) ** 2
  const middle = Math.round((y - ROW / 2) / ROW)
  for (let row = middle - 3; row <= middle + 3; row += 1) {
    const centre = Math.round((x - shift(row) - STEP / 2) / STEP)
    for (let column = centre - 3; column <= centre + 3; column += 1) {
      const cell = cells.get(key(column, row))
      if (!cell) continue
      const distance = (cell.x - x) ** 2 + (cell.y - y) ** 2
      if (distance < least) [best, least] = [cell, distance]
    }
  }
  return best
}

/** Even and odd: how many edges lie east of the place. */
function within(outline: Place[], [lng, lat]: Place): boolean {
  let inside = false
  outline.forEach(([x1, y1], at) => {
    const [x2, y2] = outline[(at + 1) % outline.length] as Place
    if (y1 > lat !== y2 > lat && lng < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) inside = !inside
  })
  return inside
}

const round = (value: number) => Math.round(value * 10) / 10
