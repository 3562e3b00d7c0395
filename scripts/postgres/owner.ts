import { chownSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The user a server runs as. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Null: ourselves. PostgreSQL refuses to run as root, so root lends it a user of the machine that may do nothing. */
export function postgresOwner(): Owner | null {
  if (process.getuid?.() !== 0) return null
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody')
}

/** Gives a folder with all that is in it to the user. */
export function giveTo(owner: Owner | null, path: string): void {
  if (!owner || lstatSync(path).isSymbolicLink()) return
  chownSync(path, owner.uid, owner.gid)
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) giveTo(owner, join(path, name))
}
