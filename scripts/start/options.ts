import { parseArgs } from 'node:util'
import { Refusal } from './refusal.ts'

export interface StartOptions {
  readonly port: number
  readonly host: string
  readonly data: string
  readonly json: boolean
  /** Undefined: as the data folder has it, `refuse` in a new one. */
  readonly clientLocations: 'refuse' | 'replace' | undefined
  /** Undefined: as the data folder has it, `d1` in a new one. */
  readonly store: StoreName | undefined
  /** Of a server that is there already; undefined: the one that the data folder has, or gets. */
  readonly databaseUrl: string | undefined
}

export const STORES = ['d1', 'postgres', 'mongo'] as const
export type StoreName = (typeof STORES)[number]

/** What stands in the environment of the URL of a database. */
export type DatabaseUrls = Readonly<Partial<Record<'DATABASE_URL' | 'MONGO_URL', string>>>

export const USAGE = `npm start -- [options]      runs the catalog until it is interrupted

  --port PORT    the port to listen on (8787)
  --host HOST    the address to listen on (127.0.0.1)
  --data DIR     where tables, users and keys are kept (.pangolin)
  --client-locations refuse|replace
                 what happens to locations outside the bucket that clients
                 give to tables and views (refuse, or what was said before)
  --store d1|postgres|mongo
                 where the records are kept: in a file, in PostgreSQL, or in
                 MongoDB (what the data folder has, d1 in a new one)
  --database-url URL
                 postgres://user:password@host/database, or mongodb://…, which
                 may also stand in the variable DATABASE_URL or MONGO_URL (for
                 postgres a server of its own, in the data folder; for mongo
                 it is needed)
  --json         print one line of JSON instead of the banner:
                 uri, warehouse, token, username, password
  --help         print this
`

const KNOWN = {
  port: { type: 'string' },
  host: { type: 'string' },
  data: { type: 'string' },
  'client-locations': { type: 'string' },
  store: { type: 'string' },
  'database-url': { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

/** Reads the command line. Refuses an unknown option, a missing value and a port outside 1–65535. */
export function parseOptions(args: readonly string[], urls: DatabaseUrls = {}): StartOptions | 'help' {
  const { values, tokens } = parseArgs({ args: [...args], options: KNOWN, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'positional') {
      throw new Refusal(`npm start takes no argument "${token.value}", only ${optionNames()}.`)
    }
    if (token.kind === 'option') {
      refuseUnknown(token.name, token.rawName, token.value)
    }
  }
  if (values.help === true) {
    return 'help'
  }
  return {
    port: parsePort(values.port),
    host: typeof values.host === 'string' ? values.host : '127.0.0.1',
    data: typeof values.data === 'string' ? values.data : '.pangolin',
    json: values.json === true,
    clientLocations: parseClientLocations(values['client-locations']),
    ...parseStore(values.store, values['database-url'], urls),
  }
}

function refuseUnknown(name: string, rawName: string, value: string | undefined): void {
  const known = Object.entries(KNOWN).find(([option]) => option === name)?.[1]
  if (known === undefined) {
    throw new Refusal(`npm start does not know the option ${rawName}, only ${optionNames()}.`)
  }
  if (known.type === 'string' && (value === undefined || value === '')) {
    throw new Refusal(`The option ${rawName} needs a value.`)
  }
  if (known.type === 'boolean' && value !== undefined) {
    throw new Refusal(`The option ${rawName} takes no value.`)
  }
}

function parsePort(value: string | boolean | undefined): number {
  if (value === undefined) {
    return 8787
  }
  const port = typeof value === 'string' && /^[0-9]{1,5}$/.test(value) ? Number(value) : 0
  if (port < 1 || port > 65_535) {
    throw new Refusal(`The option --port needs a number from 1 to 65535, not "${String(value)}".`)
  }
  return port
}

function parseClientLocations(value: string | boolean | undefined): StartOptions['clientLocations'] {
  if (value === undefined || value === 'refuse' || value === 'replace') {
    return value
  }
  throw new Refusal(`The option --client-locations needs refuse or replace, not "${String(value)}".`)
}

function parseStore(
  value: string | boolean | undefined,
  option: string | boolean | undefined,
  { DATABASE_URL, MONGO_URL }: DatabaseUrls,
): Pick<StartOptions, 'store' | 'databaseUrl'> {
  const store = STORES.find((known) => known === value)
  if (value !== undefined && store === undefined) {
    throw new Refusal(`The option --store needs ${STORES.join(' or ')}, not "${String(value)}".`)
  }
  if (typeof option === 'string') {
    const found = storeOfUrl(option)
    if (store !== undefined && found !== store) {
      throw new Refusal(`The URL of --database-url is one of ${found}, and --store says ${store}.`)
    }
    return { store: found, databaseUrl: option }
  }
  if (store === 'd1') {
    return { store, databaseUrl: undefined }
  }
  const given = [DATABASE_URL, MONGO_URL].flatMap((url) => url || [])
  const [url, other] = given.filter((each) => store === undefined || storeOfUrl(each) === store)
  if (other !== undefined) {
    throw new Refusal('Both DATABASE_URL and MONGO_URL name a database: choose one with --database-url.')
  }
  return url === undefined ? { store, databaseUrl: undefined } : { store: storeOfUrl(url), databaseUrl: url }
}

/** A URL of MongoDB may name several hosts, which no parser of URLs takes: the driver reads it. */
function storeOfUrl(url: string): 'postgres' | 'mongo' {
  if (/^mongodb(\+srv)?:\/\/./.test(url)) return 'mongo'
  if (['postgres:', 'postgresql:'].includes(URL.parse(url)?.protocol ?? '')) return 'postgres'
  throw new Refusal(
    'The database URL must be postgres://user:password@host/database or mongodb://user:password@host/database, ' +
      'with odd characters percent-encoded.',
  )
}

function optionNames(): string {
  return Object.keys(KNOWN)
    .map((name) => `--${name}`)
    .join(', ')
}
