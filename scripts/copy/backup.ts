import { createCipheriv, createDecipheriv, createHmac, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { createReadStream, existsSync, realpathSync, rmSync } from 'node:fs'
import { link, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { TABLES } from '#store/sql/columns'
import type { SqlValue } from '#store/sql/database'
import { Refusal } from '../start/refusal.ts'
import {
  BATCH_CHARS_MAX,
  BATCH_ROWS_MAX,
  CONTENTS,
  Digest,
  lineOf,
  RECORDS,
  rowOf,
  type Batch,
  type Row,
  type SavedDigest,
  type Table,
} from './rows.ts'
import { digestOf, type Source } from './store.ts'

/**
 * A backup is gzipped lines of JSON: a header, a row on each line, a trailer. Records, among which are the hashes of
 * passwords, are sealed with AES-256-GCM; the trailer has an HMAC of all lines before it. Both keys come from a passphrase.
 */
const FORMAT = 'pangolin-edge backup'
const VERSION = 1

interface Header {
  readonly format: string
  readonly version: number
  readonly tenants: readonly string[]
  readonly columns: Readonly<Record<string, readonly string[]>>
  readonly salt: string
  /** Tells a wrong passphrase from a damaged file. */
  readonly check: string
}

interface Trailer {
  readonly digest: SavedDigest
  readonly mac: string
}

interface Keys {
  readonly seal: Buffer
  readonly mac: Buffer
}

const ALL: readonly Table[] = [...CONTENTS, ...RECORDS]
const COLUMNS = Object.fromEntries(Object.entries(TABLES).map(([table, columns]) => [table, Object.keys(columns)]))

/** Longest line, in UTF-16 code units: a row has at most a few million. */
const LINE_CHARS_MAX = 2 ** 26

/** Cost of guessing a passphrase: 32 MB and about a tenth of a second. */
const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 }

function keysOf(passphrase: string, salt: Buffer): Keys {
  const key = scryptSync(passphrase.normalize('NFKC'), salt, 64, SCRYPT)
  return { seal: key.subarray(0, 32), mac: key.subarray(32) }
}

/** Writes a file that is there only once it is whole. @throws Refusal if it is there before, or the source has changed */
export async function writeBackup(
  source: Source,
  file: string,
  passphrase: string,
  { stop, seen }: { readonly stop: AbortSignal; readonly seen: (done: 'copied' | 'checked', batch: Batch) => void },
): Promise<Digest> {
  if (existsSync(file)) throw new Refusal(`The file ${file} is there already: choose another name.`)
  const tenants = await source.tenants()
  if (tenants.length === 0) throw new Refusal(`There is nothing in ${source.name}.`)
  const digest = new Digest()
  const part = `${file}.${process.pid}.part`
  const handle = await open(part, 'wx', 0o600).catch((error: unknown) => {
    throw new Refusal(`The file ${file} cannot be written: ${messageOf(error)}.`)
  })
  try {
    const lines = linesOf(source, tenants, passphrase, digest, (batch) => seen('copied', batch))
    await pipeline(Readable.from(lines), createGzip(), handle.createWriteStream({ flush: true }), { signal: stop })
    const again = await digestOf(source, ALL, tenants, (batch) => {
      stop.throwIfAborted()
      seen('checked', batch)
    })
    if (again.checksum() !== digest.checksum() || String(await source.tenants()) !== String(tenants))
      throw new Refusal(`The source ${source.name} has changed in between: stop whatever writes to it, and try again.`)
    // Unlike a renaming, a link takes nothing's place.
    await link(part, file).catch((error: unknown) => {
      throw new Refusal(`The file ${file} cannot be written: ${messageOf(error)}.`)
    })
    return digest
  } finally {
    rmSync(part, { force: true })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function* linesOf(
  source: Source,
  tenants: readonly string[],
  passphrase: string,
  digest: Digest,
  seen: (batch: Batch) => void,
): AsyncGenerator<string> {
  const salt = randomBytes(16)
  const keys = keysOf(passphrase, salt)
  const check = macOf(keys, FORMAT)
  const header: Header = {
    format: FORMAT,
    version: VERSION,
    tenants,
    columns: COLUMNS,
    salt: salt.toString('hex'),
    check,
  }
  const mac = createHmac('sha256', keys.mac)
  const line = (text: string): string => {
    mac.update(`${text}\n`)
    return `${text}\n`
  }
  yield line(JSON.stringify(header))
  for await (const batch of source.read(ALL, tenants)) {
    digest.add(batch)
    const { table } = batch
    yield batch.rows
      .map((row) => line(table === 'record' ? sealed(keys, lineOf(table, row)) : lineOf(table, row)))
      .join('')
    seen(batch)
  }
  const trailer: Trailer = { digest: digest.saved(), mac: mac.digest('hex') }
  yield `${JSON.stringify(trailer)}\n`
}

/** A file that was read to its end once. @throws Refusal if it is damaged, newer, or the passphrase is not its own */
export async function openBackup(file: string, passphrase: string): Promise<Source> {
  if (!existsSync(file)) throw new Refusal(`There is no file ${file}.`)
  const { header, keys, mac } = await verified(file, passphrase)
  return {
    name: `file:${realpathSync(file)} ${mac.slice(0, 16)}`,
    close: async () => {},
    tenants: async () => [...header.tenants],
    read: async function* read(tables, tenants, after = null) {
      let [number, of, size]: [number, { tenant: string; table: Table } | null, number] = [0, null, 0]
      let rows: Row[] = []
      for await (const line of fileLines(file)) {
        number += 1
        if (line.startsWith('{') || (after !== null && number <= Number(after))) continue
        const { table, row } = parsed(keys, line)
        const tenant = String(row['tenantId'])
        const isFull = rows.length === BATCH_ROWS_MAX || size > BATCH_CHARS_MAX
        if (of && rows.length > 0 && (isFull || of.table !== table || of.tenant !== tenant)) {
          yield { ...of, rows, position: String(number - 1) }
          rows = []
          size = 0
        }
        if (!tables.includes(table) || !tenants.includes(tenant)) continue
        of = { tenant, table }
        rows.push(row)
        size += line.length
      }
      if (of && rows.length > 0) yield { ...of, rows, position: String(number) }
    },
  }
}

async function verified(file: string, passphrase: string): Promise<{ header: Header; keys: Keys; mac: string }> {
  const damaged = new Refusal(`The file ${file} is damaged, or not whole: use another backup.`)
  let known: { header: Header; keys: Keys } | null = null
  let trailer: Trailer | null = null
  let mac = createHmac('sha256', '')
  const digest = new Digest()
  try {
    for await (const line of fileLines(file)) {
      if (trailer) throw damaged
      if (!known) {
        const header = JSON.parse(line) as Header
        known = { header, keys: unlocked(file, header, passphrase) }
        mac = createHmac('sha256', known.keys.mac)
      } else if (line.startsWith('{')) {
        trailer = JSON.parse(line) as Trailer
        continue
      } else {
        const { table, row } = parsed(known.keys, line)
        digest.add({ table, rows: [row] })
      }
      mac.update(`${line}\n`)
    }
  } catch (error) {
    throw error instanceof Refusal ? error : damaged
  }
  if (!known || !trailer || !isEqual(mac.digest('hex'), trailer.mac)) throw damaged
  if (new Digest(trailer.digest).checksum() !== digest.checksum()) throw damaged
  return { ...known, mac: trailer.mac }
}

/** The keys of a file that this version can read. */
function unlocked(file: string, header: Header, passphrase: string): Keys {
  if (header.format !== FORMAT) throw new Refusal(`The file ${file} is no backup of a catalog.`)
  if (header.version !== VERSION || JSON.stringify(header.columns) !== JSON.stringify(COLUMNS))
    throw new Refusal(
      `The file ${file} was written by another version of the catalog (format ${header.version}, this one reads ${VERSION}): restore it with that one.`,
    )
  const keys = keysOf(passphrase, Buffer.from(header.salt, 'hex'))
  if (!isEqual(macOf(keys, FORMAT), header.check)) throw new Refusal('The passphrase is not the one of the backup.')
  return keys
}

/** Line feeds end lines, and nothing else does. @throws Error if the file ends where its compressed data does not */
async function* fileLines(file: string): AsyncGenerator<string> {
  const text = createReadStream(file).on('error', (error) => gunzip.destroy(error))
  const gunzip = createGunzip()
  let rest = ''
  for await (const chunk of text.pipe(gunzip).setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LINE_CHARS_MAX) throw new Error('A line is too long')
    yield* lines
  }
  if (rest !== '') throw new Error('The last line is not whole')
}

function parsed(keys: Keys, line: string): { table: Table; row: Row } {
  const values = JSON.parse(line.startsWith('"') ? unsealed(keys, line) : line) as [Table, ...SqlValue[]]
  return { table: values[0], row: rowOf(values) }
}

function sealed({ seal }: Keys, text: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', seal, nonce)
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return JSON.stringify(Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64'))
}

function unsealed({ seal }: Keys, line: string): string {
  const bytes = Buffer.from(JSON.parse(line) as string, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', seal, bytes.subarray(0, 12)).setAuthTag(bytes.subarray(12, 28))
  return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8')
}

function macOf({ mac }: Keys, text: string): string {
  return createHmac('sha256', mac).update(text).digest('hex')
}

function isEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
