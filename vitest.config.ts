import path from 'node:path'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

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
              bindings: { TEST_MIGRATIONS: await readD1Migrations(path.join(import.meta.dirname, 'migrations')) },
            },
          }),
        ],
        test: { name: 'worker', include: ['test/**/*.worker.test.ts'], setupFiles: ['./test/worker-setup.ts'] },
      },
    ],
  },
}))
