// Contract: a credential is handed out again only for the same folders and access, and only while it is young.
// From: the design, "One round trip" — what may be cached: credentials until well before expiry.
import { beforeEach, expect, test } from 'vitest'
import { validateFolder } from '#domain/location'
import { reusingSigner } from '#signers/reusing'
import type { Signer, StorageAccess } from '#signers/signer'
import { CREDENTIAL_REUSE_SECONDS, CREDENTIAL_TTL_SECONDS } from '#src/limits'

const NOW_MS = Date.UTC(2026, 5, 1)
const folder = (name: string) =>
  validateFolder(`s3://lake/${name}`, { kind: 'r2', bucket: 'lake', prefix: '' }, 'location')

let made = 0
let signer: Signer

beforeEach(() => {
  made = 0
  signer = reusingSigner({
    async sign({ nowMs, ttlSeconds }) {
      made += 1
      const expiresAtMs = nowMs + ttlSeconds * 1000
      return { accessKeyId: 'parent', secretAccessKey: `secret ${made}`, sessionToken: `token ${made}`, expiresAtMs }
    },
  })
})

function sign(nowMs: number, access: StorageAccess, first: string, ...others: string[]) {
  const folders = [folder(first), ...others.map(folder)] as const
  return signer.sign({ folders, access, nowMs, ttlSeconds: CREDENTIAL_TTL_SECONDS })
}

test('the same folders and access get the same credential while it is young', async () => {
  const first = await sign(NOW_MS, 'read', 'a')
  expect(await sign(NOW_MS + CREDENTIAL_REUSE_SECONDS * 1000 - 1, 'read', 'a')).toBe(first)
  expect(made).toBe(1)
})

test('an older one is made anew, with all of its life ahead', async () => {
  const later = NOW_MS + CREDENTIAL_REUSE_SECONDS * 1000
  await sign(NOW_MS, 'read', 'a')
  expect((await sign(later, 'read', 'a')).expiresAtMs).toBe(later + CREDENTIAL_TTL_SECONDS * 1000)
})

test('a clock that went back gets no credential from the future', async () => {
  await sign(NOW_MS, 'read', 'a')
  expect((await sign(NOW_MS - 1, 'read', 'a')).sessionToken).toBe('token 2')
})

test('other access, another folder, or one folder more is another credential', async () => {
  await sign(NOW_MS, 'read', 'a')
  await sign(NOW_MS, 'read-write', 'a')
  await sign(NOW_MS, 'read', 'b')
  await sign(NOW_MS, 'read', 'a', 'b')
  expect(made).toBe(4)
  expect((await sign(NOW_MS, 'read', 'a')).sessionToken).toBe('token 1')
})
