/** `armor-energie_15s.mp4` → `Armor energie 15s`: a title that one can read, and change. */
export function titleOf(name: string): string {
  const bare = name.replace(/\.[^.]{1,5}$/, '').replaceAll('_', ' ').trim()
  const plain = (bare.includes(' ') ? bare : bare.replaceAll('-', ' ')).replaceAll(/\s+/g, ' ').trim()
  return (plain.charAt(0).toUpperCase() + plain.slice(1) || name).slice(0, 255)
}
