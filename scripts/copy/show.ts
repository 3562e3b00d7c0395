import type { Batch, Digest } from './rows.ts'

/** Milliseconds between two lines where nobody looks at a terminal, and between two states of the line of one. */
const LINE_MS = 10_000
const TERMINAL_MS = 200

/** Tells of the rows that were copied and checked: on one line of a terminal, or on a line every ten seconds. */
export function progressShown(out: NodeJS.WriteStream): {
  seen: (done: 'copied' | 'checked', batch: Batch) => void
  end: () => void
} {
  let began = 0
  const rows = { copied: 0, checked: 0 }
  let shown = 0
  let width = 0
  return {
    seen: (done, { tenant, table, rows: some }) => {
      rows[done] += some.length
      const now = Date.now()
      if (began === 0) began = now
      if (now - shown < (out.isTTY ? TERMINAL_MS : LINE_MS)) return
      shown = now
      const rate = Math.round(((rows.copied + rows.checked) * 1000) / Math.max(now - began, 1))
      const line = `${rows.copied} rows copied, ${rows.checked} checked, ${rate}/s; ${done === 'copied' ? 'copying' : 'checking'} ${table} of ${tenant}`
      out.write(out.isTTY ? `\r${line.padEnd(width)}` : `${line}\n`)
      width = line.length
    },
    end: () => void (out.isTTY && width > 0 ? out.write(`\r${' '.repeat(width)}\r`) : true),
  }
}

/** What was copied, table by table. */
export function summary(digest: Digest, seconds: number): string {
  const counts = Object.entries(digest.saved()).map(([table, { rows }]) => `${table} ${rows}`)
  return `${digest.rows} rows in ${seconds.toFixed(1)} s: ${counts.join(', ')}.\nSHA-256 ${digest.checksum()}\n`
}
