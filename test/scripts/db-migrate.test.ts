// Contract: npm run db:migrate says in one sentence, without the secret, which address it cannot use, and why.
// Source: README, "Putting it on Cloudflare"; src/config.ts says the same of a deployment's settings.
import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

function migrated(settings: Readonly<Record<string, string>>) {
  const { DATABASE_URL: _postgres, MONGO_URL: _mongo, ...env } = process.env
  const options = { env: { ...env, ...settings }, encoding: 'utf8' } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/db-migrate.ts'], options)
  return { status, stdout, stderr }
}

it.each<[Record<string, string>, RegExp]>([
  [{}, /^Set either DATABASE_URL to .* or MONGO_URL to .*\.\n$/],
  [{ DATABASE_URL: 'postgres://u:secret@127.0.0.1/d', MONGO_URL: 'mongodb://127.0.0.1/d' }, /^Set either .*\.\n$/],
  [{ DATABASE_URL: 'mysql://u:secret@127.0.0.1/d' }, /^DATABASE_URL must be postgres:.* percent-encoded\.\n$/],
  [{ DATABASE_URL: 'postgres://u:secret#x@127.0.0.1/d' }, /^DATABASE_URL must be postgres:.* percent-encoded\.\n$/],
  [{ DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/d' }, /^The catalog database cannot be reached\.\n$/],
])('%j is refused in one sentence', (settings, sentence) => {
  const { status, stdout, stderr } = migrated(settings)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(sentence)
  expect(stderr).not.toContain('secret')
})
