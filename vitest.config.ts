import path from 'node:path'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { exportJWK, generateKeyPair } from 'jose'
import { defineConfig } from 'vitest/config'

/** What steers the random tests in workerd, where there is no process environment: as bindings, if set. */
function chosen(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

/** A signing key for this run only. */
async function signingKeys(): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return JSON.stringify({ keys: [{ ...(await exportJWK(privateKey)), kid: 'test', alg: 'ES256' }] })
}

/** `*.worker.test.ts` run in workerd with local D1, R2 and Durable Objects; every other test runs in Node. */
export default defineConfig(async () => ({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.worker.test.ts', 'test/interop/**'],
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
        test: { name: 'worker', include: ['test/**/*.worker.test.ts'], setupFiles: ['./test/worker-setup.ts'] },
      },
    ],
  },
}))
