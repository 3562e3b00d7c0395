import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Migration } from '#store/sql/postgres/migrate'

/** The migrations in `drizzle/`, in their order. */
export function postgresMigrations(): Migration[] {
  const journal = JSON.parse(readFileSync(join('drizzle', 'meta', '_journal.json'), 'utf8')) as {
    entries: { idx: number; tag: string }[]
  }
  return journal.entries.map(({ idx, tag }) => {
    const text = readFileSync(join('drizzle', `${tag}.sql`), 'utf8')
    return { version: idx + 1, statements: text.split('--> statement-breakpoint') }
  })
}
