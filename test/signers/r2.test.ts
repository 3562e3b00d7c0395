// Contract: the R2 signer mints credentials that R2 accepts for exactly these folders and actions, without a call.
// Source: Cloudflare R2, temporary credentials signed locally; security cases 1, 6, 19 and 27.
import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { validateFile, validateFolder } from '#domain/location'
import { r2Signer } from '#signers/r2'
import type { StorageAccess } from '#signers/signer'

const NOW_MS = Date.UTC(2026, 10, 21, 5, 0, 0, 999)
const signer = r2Signer({
  accountId: 'account',
  parentAccessKeyId: 'parent',
  parentSecretAccessKey: 'secret of the parent',
  endpointHost: 'account.eu.r2.cloudflarestorage.com',
})

describe('a credential', () => {
  it('is the token, its hash and the parent’s key', async () => {
    const { accessKeyId, secretAccessKey, token, expiresAtMs } = await mint('read')
    const [header = '', payload = '', signature = ''] = token.split('.')
    expect(accessKeyId).toBe('parent')
    expect(secretAccessKey).toBe(createHash('sha256').update(token).digest('hex'))
    expect(signature).toBe(
      createHmac('sha256', 'secret of the parent').update(`${header}.${payload}`).digest('base64url'),
    )
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'HS256', typ: 'JWT' })
    expect(expiresAtMs).toBe(Date.UTC(2026, 10, 21, 6))
  })

  it('of a reader says what R2 needs to hear', async () => {
    expect((await mint('read')).claims).toEqual({
      bucket: 'lake',
      scope: 'object-read-only',
      actions: ['HeadObject', 'GetObject', 'ListObjectsV1', 'ListObjectsV2', 'GetBucketLocation'],
      paths: { prefixPaths: ['wh/t1/'], objectPaths: [] },
      sub: 'account',
      iss: 'parent',
      aud: 'account.eu.r2.cloudflarestorage.com',
      iat: Date.UTC(2026, 10, 21, 5) / 1000,
      exp: Date.UTC(2026, 10, 21, 6) / 1000,
    })
  })

  it('of a writer adds writing, deleting and multipart uploads', async () => {
    const reader = (await mint('read')).claims
    const writer = (await mint('read-write')).claims
    expect(writer.scope).toBe('object-read-write')
    expect(writer.actions).toEqual(
      expect.arrayContaining([
        ...reader.actions,
        'PutObject',
        'DeleteObject',
        'DeleteObjects',
        'CopyObject',
        'CreateMultipartUpload',
        'UploadPart',
        'CompleteMultipartUpload',
        'AbortMultipartUpload',
      ]),
    )
    expect(reader.actions.filter((action) => /Put|Delete|Copy|Upload/.test(action))).toEqual([])
  })

  it('opens each folder once, always up to its slash', async () => {
    const { claims } = await mint('read', ['wh/t1', 'wh/t1/', 'wh/data'])
    expect(claims.paths.prefixPaths).toEqual(['wh/t1/', 'wh/data/'])
  })
})

describe('a mistake', () => {
  const storage = { kind: 'r2', bucket: 'lake', prefix: '' } as const
  const folder = validateFolder('s3://lake/wh/t1', storage, 'location')
  const input = { folders: [folder], access: 'read', nowMs: NOW_MS, ttlSeconds: 60 } as const

  it('is a folder of another bucket', async () => {
    const other = validateFolder('s3://other/wh', { ...storage, bucket: 'other' }, 'location')
    await expect(signer.sign({ ...input, folders: [folder, other] })).rejects.toThrow('one bucket')
  })

  it('is a file', async () => {
    const file = validateFile('s3://lake/wh/t1', storage, 'location')
    await expect(signer.sign({ ...input, folders: [file] })).rejects.toThrow("ends in '/'")
  })

  it.each([0, -1, 1.5, 604_801, Number.NaN])('is a life of %d seconds', async (ttlSeconds) => {
    await expect(signer.sign({ ...input, ttlSeconds })).rejects.toThrow(RangeError)
  })

  it('never shows the secret', async () => {
    const error = await signer.sign({ ...input, ttlSeconds: 0 }).catch(String)
    expect(error).not.toContain('secret of the parent')
  })
})

interface Claims {
  readonly scope: string
  readonly actions: readonly string[]
  readonly paths: { readonly prefixPaths: readonly string[] }
}

async function mint(access: StorageAccess, folders: readonly [string, ...string[]] = ['wh/t1']) {
  const storage = { kind: 'r2', bucket: 'lake', prefix: 'wh/' } as const
  const locate = (folder: string) => validateFolder(`s3://lake/${folder}`, storage, 'location')
  const [first, ...rest] = folders
  const key = await signer.sign({
    folders: [locate(first), ...rest.map(locate)],
    access,
    nowMs: NOW_MS,
    ttlSeconds: 3600,
  })
  const text = Buffer.from(key.sessionToken, 'base64').toString()
  expect(text).toMatch(/^jwt\//)
  const token = text.slice('jwt/'.length)
  const claims: Claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return { ...key, token, claims }
}
