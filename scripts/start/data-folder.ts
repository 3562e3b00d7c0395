import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { writeFileAtomic } from './atomic-file.ts'
import { Refusal } from './refusal.ts'

/** Every process that serves a data folder carries its path in this variable, and is found by it when its parent is gone. */
export const DATA_VARIABLE = 'PANGOLIN_DATA'

/** The layout of the data folder; a higher number was written by a later version. */
const FORMAT = 1
const FORMAT_FILE = 'format.json'
const LOCK_FILE = 'lock'

/** An open data folder, held by this process alone until it is closed. `path` is absolute, without links. */
export interface DataFolder {
  readonly path: string
  close(): void
}

/** Makes or opens the folder. Refuses one that is in use, cannot be written, is newer than this version or holds other things. */
export function openDataFolder(name: string): DataFolder {
  try {
    makeFolder(resolve(name))
    const path = realpathSync(name)
    refuseForeign(path)
    const lock = lockFolder(path)
    readFormat(path)
    chmodSync(path, 0o700)
    return { path, close: () => lock.close() }
  } catch (error) {
    if (error instanceof Refusal) {
      throw error
    }
    throw new Refusal(`The data folder ${resolve(name)} cannot be used: ${reasonOf(error)}.`)
  }
}

/** Whether it was opened before. */
export function isUsed(name: string): boolean {
  return existsSync(join(name, FORMAT_FILE))
}

/** Level by level: `mkdir` with `recursive` never returns below folders such as `/proc`, which say that they don't exist. */
function makeFolder(path: string): void {
  if (isFolder(path)) return
  if (!existsSync(dirname(path))) makeFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** A folder that was never finished holds at most the lock and an unfinished format file. */
function refuseForeign(path: string): void {
  const isOurs = (entry: string): boolean => entry.startsWith(LOCK_FILE) || entry.startsWith(FORMAT_FILE)
  if (!existsSync(join(path, FORMAT_FILE)) && !readdirSync(path).every(isOurs)) {
    throw new Refusal(`The folder ${path} holds other files: give --data an empty or a new folder.`)
  }
}

/** The kernel drops the lock of a file when its process ends, however it ends, so no lock is ever stale. */
function lockFolder(path: string): DatabaseSync {
  const lock = new DatabaseSync(join(path, LOCK_FILE))
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) {
      throw new Refusal(`Another npm start is using the data folder ${path}: stop it, or give --data another folder.`)
    }
    throw error
  }
}

const SQLITE_BUSY = 5

function readFormat(path: string): void {
  const file = join(path, FORMAT_FILE)
  if (!existsSync(file)) {
    writeFileAtomic(file, `${JSON.stringify({ format: FORMAT })}\n`)
    return
  }
  const { format } = JSON.parse(readFileSync(file, 'utf8')) as { format?: unknown }
  if (typeof format !== 'number') {
    throw new Refusal(`The file ${file} names no format: restore it, or give --data another folder.`)
  }
  if (format > FORMAT) {
    throw new Refusal(
      `The data folder ${path} was written by a newer version (format ${format}, this one knows ${FORMAT}): ` +
        'use that version, or give --data another folder.',
    )
  }
}

/** `ENOTDIR: not a directory, mkdir '/a/b'` becomes `not a directory`. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return /^E[A-Z]+: ([^,]+)/.exec(message)?.[1] ?? message
}
