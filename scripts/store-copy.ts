import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { CatalogError } from '#domain/errors'
import { VerbFailure } from '#store/mongo/verbs'
import { openBackup, writeBackup } from './copy/backup.ts'
import { copy, discard } from './copy/copy.ts'
import { Folders, openPlace } from './copy/places.ts'
import type { Digest } from './copy/rows.ts'
import { progressShown, summary } from './copy/show.ts'
import type { Source } from './copy/store.ts'
import { tieFolder } from './start/belonging.ts'
import { prepareMongo, preparePostgres } from './start/migrate-server.ts'
import { Refusal } from './start/refusal.ts'

const DATABASES = `  A database is d1:FOLDER, the data folder of npm start, which must not be running
  (postgres:FOLDER to read what npm start --store postgres keeps in it);
  d1://ACCOUNT_ID/DATABASE_ID, a D1 on Cloudflare, with an API token in
  CLOUDFLARE_API_TOKEN (for --to it has its migrations: npx wrangler d1
  migrations apply DB --remote);
  postgres://user:password@host/database or mongodb://user:password@host/database.
`
const TO = `  --to URL         the database to write to: an empty one, or
  --into-existing  one with other tenants: those that it does not have are added,
                   and nothing is done if it has one of them
  --data DIR       a data folder of npm start: its records are in the database
                   that was written to, from now on (without --from or --file,
                   that is all that is done)
  --discard        gives up a copy into --to that was interrupted: removes all that
                   is there of its tenants

  Interrupted, it goes on where it was when the same is run again.
`
const PASSPHRASE = `  The passphrase is asked for, or taken from PANGOLIN_BACKUP_PASSPHRASE.
`
const COMMANDS = {
  copy: {
    name: 'npm run store:copy',
    usage: `npm run store:copy -- --from URL --to URL [options]   copies all tenants

  --from URL       the database to read: nothing may write to it meanwhile
${TO}${DATABASES}`,
    options: ['from', 'to', 'into-existing', 'data', 'discard'],
    needed: ['from', 'to'],
  },
  backup: {
    name: 'npm run backup',
    usage: `npm run backup -- --from URL --file FILE   writes all tenants to a file

  --from URL       the database to read: nothing may write to it meanwhile
  --file FILE      a file that is not there yet
${DATABASES}${PASSPHRASE}`,
    options: ['from', 'file'],
    needed: ['from', 'file'],
  },
  restore: {
    name: 'npm run restore',
    usage: `npm run restore -- --file FILE --to URL [options]   brings the tenants of a file back

  --file FILE      what npm run backup has written
${TO}${DATABASES}${PASSPHRASE}`,
    options: ['file', 'to', 'into-existing', 'data', 'discard'],
    needed: ['file', 'to'],
  },
} as const

type Command = (typeof COMMANDS)[keyof typeof COMMANDS]
type Values = Readonly<Record<string, string | boolean | undefined>>

process.exitCode = await main(process.argv.slice(2))

/** The exit code is 0 when all is done, 130 after a signal, and 1 after one sentence that says why not. */
async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())
  const folders = new Folders()
  const command = COMMANDS[name as keyof typeof COMMANDS]
  const progress = progressShown(process.stderr)
  try {
    const values = optionsOf(command, args)
    if (values['help'] === true) process.stdout.write(command.usage)
    else {
      const began = Date.now()
      const run = { folders, stop: stopping.signal, seen: progress.seen }
      const digest = await (command === COMMANDS.backup ? backup(values, run) : copyInto(command, values, run))
      progress.end()
      const done = values['discard'] === true ? 'What it had brought is gone.\n' : 'The data folder says so.\n'
      process.stdout.write(digest ? summary(digest, (Date.now() - began) / 1000) : done)
    }
    return 0
  } catch (error) {
    progress.end()
    if (stopping.signal.aborted) {
      process.stderr.write(
        command === COMMANDS.backup ? 'Stopped.\n' : 'Stopped; the same command goes on from here.\n',
      )
      return 130
    }
    const isSentence = error instanceof Refusal || error instanceof CatalogError || error instanceof VerbFailure
    process.stderr.write(`${isSentence ? error.message.replace(/(?<![.\n])$/, '.') : String(error)}\n`)
    return 1
  } finally {
    folders.close()
  }
}

interface Run {
  readonly folders: Folders
  readonly stop: AbortSignal
  readonly seen: ReturnType<typeof progressShown>['seen']
}

async function copyInto(command: Command, values: Values, { folders, stop, seen }: Run): Promise<Digest | null> {
  const to = String(values['to'])
  const data = typeof values['data'] === 'string' ? await folders.open(values['data']) : null
  const opened: Source[] = []
  try {
    const isTying = values['discard'] !== true && values['from'] === undefined && values['file'] === undefined
    if (values['discard'] !== true && !isTying)
      opened.push(
        command === COMMANDS.restore
          ? await openBackup(String(values['file']), await passphraseOf())
          : await openPlace(String(values['from']), 'from', folders, stop),
      )
    const [source] = opened
    const target = await openPlace(to, isTying ? 'from' : 'to', folders, stop)
    opened.push(target)
    if (data !== null && to.startsWith('d1:') && target.name !== `d1:${data}`)
      throw new Refusal('A data folder has its own D1 database: give --to d1: and --data the same folder.')
    if (isTying) {
      if ((await target.tenants()).length === 0) throw new Refusal(`There is nothing in ${target.name}.`)
      await tie(data ?? '', to)
      return null
    }
    const options = { intoExisting: values['into-existing'] === true, stop, seen }
    const digest = source ? await copy(source, target, options) : await discard(target)
    if (digest && data !== null) await tieTo(data, to)
    return digest
  } finally {
    for (const each of opened) await each.close()
  }
}

/** @throws Refusal that says how to go on: the copy is whole, and will not be made again */
async function tieTo(data: string, to: string): Promise<void> {
  await tie(data, to).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Refusal(
      `Everything was copied, but the data folder does not say so yet (${reason}): mend that, and run the same without --from.`,
    )
  })
}

/** From now on the records that belong to the folder are in the database. */
async function tie(data: string, to: string): Promise<void> {
  if (to.startsWith('d1:')) tieFolder(data, null)
  else if (to.startsWith('mongodb')) tieFolder(data, { store: 'mongo', id: (await prepareMongo(to)).id })
  else tieFolder(data, { store: 'postgres', id: (await preparePostgres(to)).id })
}

async function backup(values: Values, { folders, stop, seen }: Run): Promise<Digest> {
  const passphrase = await passphraseOf()
  const source = await openPlace(String(values['from']), 'from', folders, stop)
  try {
    return await writeBackup(source, String(values['file']), passphrase, { stop, seen })
  } finally {
    await source.close()
  }
}

function optionsOf({ name, options, needed }: Command, args: readonly string[]): Values {
  const flags = ['into-existing', 'discard']
  const types = [...options, 'help'].map((option) => {
    const type: 'string' | 'boolean' = flags.includes(option) || option === 'help' ? 'boolean' : 'string'
    return [option, { type }] as const
  })
  let values: Values
  try {
    values = parseArgs({ args: [...args], options: Object.fromEntries(types) }).values
  } catch {
    throw new Refusal(`${name} knows only ${options.map((option) => `--${option}`).join(', ')} and --help.`)
  }
  const isOnlyTo =
    values['discard'] === true || (options.some((option) => option === 'data') && values['data'] !== undefined)
  const missing = needed.find((option) => !values[option] && !(isOnlyTo && option !== 'to'))
  if (missing !== undefined && values['help'] !== true)
    throw new Refusal(`${name} needs --${missing}; --help says more.`)
  return values
}

/** @throws Refusal where there is neither the variable nor a terminal: a backup without a passphrase would show secrets */
async function passphraseOf(): Promise<string> {
  const { PANGOLIN_BACKUP_PASSPHRASE: given } = process.env
  if (given) return given
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() })
  if (process.stdin.isTTY) {
    process.stderr.write('Passphrase of the backup: ')
    const terminal = createInterface({ input: process.stdin, output: mute, terminal: true })
    const answer = await terminal.question('')
    terminal.close()
    process.stderr.write('\n')
    if (answer !== '') return answer
  }
  throw new Refusal('A backup is sealed with a passphrase: set PANGOLIN_BACKUP_PASSPHRASE.')
}
