import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from './atomic-file.ts'
import type { Identity } from './migrate-server.ts'
import { Refusal } from './refusal.ts'

/** Says which database on a server belongs to a data folder: keys and objects are in one, records in the other. */
const DATABASE_FILE = 'database.json'

/** The database of a data folder. */
export interface FolderDatabase {
  readonly store: 'postgres' | 'mongo'
  readonly id: string
}

/** The database on a server that the folder was used with, or null. */
export function readFolderDatabase(data: string): FolderDatabase | null {
  const file = join(data, DATABASE_FILE)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as FolderDatabase) : null
}

/** Ties an empty database and a folder together, which they then stay. @throws Refusal if they belong to others */
export function refuseStrangers(data: string, store: FolderDatabase['store'], { id, isUsed }: Identity): void {
  const known = readFolderDatabase(data)
  if (known?.id === id) return
  if (known !== null)
    throw new Refusal(
      `The records that belong to the data folder ${data} are in another database: give that one, or give --data a new folder.`,
    )
  if (isUsed) throw usedByOthers(data)
  tieFolder(data, { store, id })
}

/** What to say of a database with the records of another data folder. */
export function usedByOthers(data: string): Refusal {
  return new Refusal(
    `The database holds a catalog already, whose keys and objects are not in the data folder ${data}: ` +
      'give --data the folder it was made with, or give an empty database.',
  )
}

/** Ties a folder to a database, whatever it had before; null: to the D1 that it holds itself. */
export function tieFolder(data: string, database: FolderDatabase | null): void {
  const file = join(data, DATABASE_FILE)
  if (database) writeFileAtomic(file, `${JSON.stringify(database)}\n`)
  else rmSync(file, { force: true })
}
