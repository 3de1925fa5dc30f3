/** A table as text. A cell that a spreadsheet would take for a formula is made plain text. */
export function csv(rows: string[][], separator: ',' | ';'): string {
  const cell = (text: string) => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
    return new RegExp(`["\\r\\n${separator}]`).test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
  }
  // The mark at the beginning tells spreadsheets that it is UTF-8.
  return `\u{feff}${rows.map((row) => row.map(cell).join(separator)).join('\r\n')}\r\n`
}
