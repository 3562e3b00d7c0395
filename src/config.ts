import { tokenAuthority, type TokenAuthority } from '#authn/tokens'
import { CatalogError } from '#domain/errors'
import { CLIENT_LOCATIONS, type ClientLocations } from '#domain/records'
import { logLevel, type LogLevel } from './log.ts'

/** How engines reach the bucket: through the development endpoint of this Worker, or R2's own. */
export type StorageEndpoint =
  | { readonly kind: 'local'; readonly url: string | null }
  | { readonly kind: 'r2'; readonly url: string }

/** Where the catalog's records and history are. */
export type DatabaseConfig =
  | { readonly kind: 'd1' }
  | { readonly kind: 'postgres'; readonly transport: 'tcp' | 'http'; readonly connectionString: string }
  /** `mongo-verbs.ts` reads how it is reached. */
  | { readonly kind: 'mongo' }

export interface Config {
  readonly database: DatabaseConfig
  readonly tokens: TokenAuthority
  readonly bucketName: string
  /** Null: credentials are not vended, because no access key is configured. */
  readonly storage: {
    readonly accountId: string
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly endpoint: StorageEndpoint
  } | null
  readonly bootstrapPassword: string | null
  /** For warehouse `local`; null leaves it as it is. */
  readonly clientLocations: ClientLocations | null
  /** Nothing is changed: the database is being copied, or otherwise looked after. */
  readonly isReadOnly: boolean
  readonly logLevel: LogLevel
}

const configs = new WeakMap<Cloudflare.Env, Config>()

/** The settings, read once per isolate. @throws CatalogError {@link unusable} where one is missing or wrong */
export function configOf(env: Cloudflare.Env): Config {
  const known = configs.get(env)
  if (known) return known
  const config = usable(() => ({
    database: databaseOf(env),
    tokens: tokenAuthority({
      jwks: env.TOKEN_KEYS ?? '',
      issuer: env.TOKEN_ISSUER ?? '',
      audience: env.TOKEN_AUDIENCE ?? '',
    }),
    bucketName: env.LAKE_BUCKET,
    storage: storageOf(env),
    bootstrapPassword: env.BOOTSTRAP_PASSWORD ?? null,
    clientLocations: clientLocationsOf(env.CLIENT_LOCATIONS),
    isReadOnly: isReadOnly(String(env.READ_ONLY ?? '')),
    logLevel: logLevel(env.LOG_LEVEL),
  }))
  configs.set(env, config)
  return config
}

function usable(read: () => Config): Config {
  try {
    return read()
  } catch (error) {
    throw unusable(error)
  }
}

const UNUSABLE = 'The settings of this deployment are not usable; /health/ready says why'

/** Whoever asks is told to come back; what is wrong (an Error of one sentence) is for readiness and the log. */
export function unusable(problem: unknown): CatalogError {
  return new CatalogError('unavailable', UNUSABLE, problem)
}

/** What is wrong with the settings, if that is what an error is about. */
export function settingsProblem(error: unknown): string | null {
  const isAbout = error instanceof CatalogError && error.message === UNUSABLE
  return isAbout && error.cause instanceof Error ? error.cause.message : null
}

/** What `DATABASE_URL` says. @throws Error with one sentence, without its full stop */
export function postgresUrlOf(connectionString: string): URL {
  const url = URL.parse(connectionString)
  // Without a user it is a password that was cut at an odd character in it.
  if (!url?.username || !['postgres:', 'postgresql:'].includes(url.protocol))
    throw new Error('DATABASE_URL must be postgres://user:password@host/database, with odd characters percent-encoded')
  return url
}

/** No message holds the connection string: it has a password. */
function databaseOf({ STORE, HYPERDRIVE, DATABASE_URL, DATABASE_TRANSPORT }: Cloudflare.Env): DatabaseConfig {
  if (!STORE || STORE === 'd1') return { kind: 'd1' }
  if (STORE === 'mongo') return { kind: 'mongo' }
  if (STORE !== 'postgres') throw new Error(`STORE must be d1, postgres or mongo, not ${JSON.stringify(STORE)}`)
  if (HYPERDRIVE) return { kind: 'postgres', transport: 'tcp', connectionString: HYPERDRIVE.connectionString }
  if (!DATABASE_URL) throw new Error('STORE=postgres needs a binding HYPERDRIVE or the secret DATABASE_URL')
  const url = postgresUrlOf(DATABASE_URL)
  const transport = DATABASE_TRANSPORT || (url.hostname.endsWith('.neon.tech') ? 'http' : 'tcp')
  if (transport !== 'tcp' && transport !== 'http')
    throw new Error(`DATABASE_TRANSPORT must be http or tcp, not ${JSON.stringify(transport)}`)
  return { kind: 'postgres', transport, connectionString: DATABASE_URL }
}

function clientLocationsOf(setting: string | undefined): ClientLocations | null {
  if (!setting) return null
  const known = CLIENT_LOCATIONS.find((each) => each === setting)
  if (!known)
    throw new Error(`CLIENT_LOCATIONS must be ${CLIENT_LOCATIONS.join(' or ')}, not ${JSON.stringify(setting)}`)
  return known
}

function isReadOnly(setting: string): boolean {
  if (!['', 'true', 'false'].includes(setting))
    throw new Error(`READ_ONLY must be true or false, not ${JSON.stringify(setting)}`)
  return setting === 'true'
}

function storageOf(env: Cloudflare.Env): Config['storage'] {
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey, R2_ACCOUNT_ID: account } = env
  if (!accessKeyId || !secretAccessKey) return null
  if (env.S3_LOCAL === 'true')
    return {
      accountId: 'local',
      accessKeyId,
      secretAccessKey,
      endpoint: { kind: 'local', url: env.S3_ENDPOINT ?? null },
    }
  if (!account) throw new Error('R2_ACCOUNT_ID must be set where S3_ACCESS_KEY_ID is: the credential names the account')
  const url = env.S3_ENDPOINT ?? `https://${account}.r2.cloudflarestorage.com`
  return { accountId: account, accessKeyId, secretAccessKey, endpoint: { kind: 'r2', url } }
}
