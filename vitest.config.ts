import path from 'node:path'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { exportJWK, generateKeyPair } from 'jose'
import { defineConfig } from 'vitest/config'
import { freePort } from './scripts/free-port.ts'

/** What steers the random tests in workerd, where there is no process environment: as bindings, if set. */
function chosen(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

/** A signing key for this run only. */
async function signingKeys(): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return JSON.stringify({ keys: [{ ...(await exportJWK(privateKey)), kid: 'test', alg: 'ES256' }] })
}

/** For what hangs: what is slow because others use the machine is no failure. */
const LIMITS = { testTimeout: 300_000, hookTimeout: 120_000 }

interface PostgresAddresses extends Record<string, string> {
  POSTGRES_TEST_URL: string
  NEON_TEST_URL: string
  FAULTS_TEST_PORT: string
}

/**
 * Where the tests' own PostgreSQL, the proxy in front of it that breaks connections, and the HTTP front that speaks Neon's protocol for it, will listen: for this run only.
 * Whoever starts them reads it from the environment.
 */
async function postgresAddresses(): Promise<PostgresAddresses> {
  const { POSTGRES_TEST_URL, NEON_TEST_URL, FAULTS_TEST_PORT } = process.env
  if (POSTGRES_TEST_URL && NEON_TEST_URL && FAULTS_TEST_PORT)
    return { POSTGRES_TEST_URL, NEON_TEST_URL, FAULTS_TEST_PORT }
  const made = {
    POSTGRES_TEST_URL: `postgres://pangolin:${crypto.randomUUID()}@127.0.0.1:${await freePort()}/postgres`,
    NEON_TEST_URL: `http://127.0.0.1:${await freePort()}/sql`,
    FAULTS_TEST_PORT: String(await freePort()),
  }
  Object.assign(process.env, made)
  return made
}

/** `*.worker.test.ts` and `*.postgres.test.ts` run in workerd with local D1, R2 and Durable Objects, the latter with a PostgreSQL; `*.mongo.test.ts` run in Node, each file with a MongoDB of its own, and every other test too, without. */
export default defineConfig(async () => {
  const postgres = await postgresAddresses()
  return {
    test: {
      projects: [
        {
          test: {
            name: 'node',
            include: ['test/**/*.test.ts'],
            exclude: ['test/**/*.{worker,postgres,mongo}.test.ts', 'test/interop/**'],
            ...LIMITS,
          },
        },
        {
          plugins: [
            cloudflareTest({
              wrangler: { configPath: './wrangler.toml' },
              miniflare: {
                bindings: {
                  TEST_MIGRATIONS: await readD1Migrations(path.join(import.meta.dirname, 'migrations')),
                  TOKEN_KEYS: await signingKeys(),
                  S3_LOCAL: 'true',
                  S3_ACCESS_KEY_ID: 'test-access-key',
                  S3_SECRET_ACCESS_KEY: crypto.randomUUID(),
                  LOG_LEVEL: 'warn',
                  ...chosen('STORE_SEED', 'STORE_RUNS'),
                },
              },
            }),
          ],
          test: {
            name: 'worker',
            include: ['test/**/*.worker.test.ts'],
            setupFiles: ['./test/worker-setup.ts'],
            ...LIMITS,
          },
        },
        {
          test: {
            name: 'mongo',
            include: ['test/**/*.mongo.test.ts'],
            globalSetup: ['./test/store/mongo/program.ts'],
            ...LIMITS,
          },
        },
        {
          plugins: [
            cloudflareTest({
              wrangler: { configPath: './wrangler.toml' },
              miniflare: {
                bindings: { ...postgres, ...chosen('STORE_SEED', 'STORE_RUNS') },
                hyperdrives: { HYPERDRIVE: postgres.POSTGRES_TEST_URL },
              },
            }),
          ],
          test: {
            name: 'postgres',
            include: ['test/**/*.postgres.test.ts'],
            globalSetup: ['./test/store/postgres/server.ts'],
            ...LIMITS,
          },
        },
      ],
    },
  }
})
