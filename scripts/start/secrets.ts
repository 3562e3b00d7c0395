import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from './atomic-file.ts'

/** What a data folder keeps secret. `signingKeys` is a private JWK set; the S3 pair is the parent of what is vended. */
export interface Secrets {
  readonly signingKeys: { readonly keys: readonly object[] }
  readonly adminPassword: string
  readonly s3AccessKeyId: string
  readonly s3SecretAccessKey: string
}

export const SECRETS_FILE = 'secrets.json'

/** Reads the secrets of a data folder, or makes them when it has none yet. */
export function loadSecrets(data: string): Secrets {
  const file = join(data, SECRETS_FILE)
  if (existsSync(file)) {
    return JSON.parse(readFileSync(file, 'utf8')) as Secrets
  }
  const secrets = makeSecrets()
  writeFileAtomic(file, `${JSON.stringify(secrets, null, 2)}\n`)
  return secrets
}

/**
 * Writes the Worker's settings where the command line would show them to every user; returns the file's name.
 * `more` are settings that hold no quote and no `$`. Without `clientLocations` the warehouse stays as it is.
 */
export function writeWorkerSettings(
  data: string,
  secrets: Secrets,
  clientLocations?: string,
  more: Readonly<Record<string, string>> = {},
): string {
  const file = join(data, 'worker.env')
  const settings = {
    TOKEN_KEYS: JSON.stringify(secrets.signingKeys),
    TOKEN_ISSUER: 'pangolin',
    TOKEN_AUDIENCE: 'pangolin',
    S3_ACCESS_KEY_ID: secrets.s3AccessKeyId,
    S3_SECRET_ACCESS_KEY: secrets.s3SecretAccessKey,
    S3_LOCAL: 'true',
    BOOTSTRAP_PASSWORD: secrets.adminPassword,
    CLIENT_LOCATIONS: clientLocations ?? '',
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn',
    ...more,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`)
  writeFileAtomic(file, lines.join(''))
  return file
}

/** No value holds a quote or a `$`, which the settings file would read as its own. */
function makeSecrets(): Secrets {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = randomBytes(8).toString('hex')
  return {
    signingKeys: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }] },
    adminPassword: randomBytes(18).toString('base64url'),
    s3AccessKeyId: randomBytes(16).toString('hex'),
    s3SecretAccessKey: randomBytes(32).toString('hex'),
  }
}
