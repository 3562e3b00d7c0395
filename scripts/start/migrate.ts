import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from './atomic-file.ts'
import { Refusal } from './refusal.ts'
import { spawnWrangler } from './wrangler.ts'

/** Brings the data folder's D1 database up to the newest file of `migrations/`. Starts nothing when it already is. */
export async function applyMigrations(data: string, stop: AbortSignal): Promise<void> {
  const wanted = JSON.stringify(migrationFiles())
  const stamp = join(data, 'migrations.json')
  if (wanted === '[]' || (hasDatabase(data) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted)) {
    return
  }
  const args = ['d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', data]
  const wrangler = spawnWrangler(args, data, stop, () => {})
  const code = await wrangler.exit
  stop.throwIfAborted()
  if (code !== 0) {
    throw new Refusal(`The database could not be brought up to date.\n${wrangler.lastLines()}`)
  }
  writeFileAtomic(stamp, wanted)
}

function migrationFiles(): string[] {
  return readdirSync('migrations')
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
}

/** The stamp alone would outlive a database that somebody removed. */
export function hasDatabase(data: string): boolean {
  const folder = join(data, 'v3', 'd1', 'miniflare-D1DatabaseObject')
  return (
    existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite')
  )
}
