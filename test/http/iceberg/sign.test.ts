// Contract: a request is signed only if it is one data operation on the table's own files, for what the caller may do there.
// Source: REST specification, signRequest; AWS SigV4; security cases 1, 5, 6, 9, 11, 19, 26, 27, 29, 39.
import { beforeAll, describe, expect, it } from 'vitest'
import { assetKey } from '#catalog/keys'
import { canonicalRequest, requestStringToSign, signatureMatches, signingKey } from '#http/s3/sigv4'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type Person, type TestCatalog } from '#test/support/catalog'

const NOW = new Date('2026-11-21T08:00:00Z')
const TABLES = '/v1/demo/namespaces/ns/tables'
const BUCKET = 'http://catalog.test/s3/lake'

let catalog: TestCatalog
let reader: Person
let neighbour: TestCatalog
/** Keys of the folders of tables `a` and `b`, ending in `/`. */
let mine: string
let theirs: string

interface Sent {
  readonly method?: string
  readonly uri?: string
  readonly headers?: Record<string, string[]>
  readonly body?: string
  readonly provider?: string
}

beforeAll(async () => {
  catalog = await openCatalog({ now: () => NOW })
  await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
  mine = await folderOf(catalog, 'a')
  theirs = await folderOf(catalog, 'b')
  const { entries } = await catalog.store
    .tenant(catalog.tenantId)
    .read({ at: { catalog: 'demo', ref: 'main' }, keys: [assetKey({ namespace: ['ns'], name: 'a' })] })
  const scope = { type: 'asset' as const, catalogId: catalog.catalogId, objectId: entries[0]?.objectId ?? '' }
  reader = await catalog.person('tenant-user', { scope, actions: ['read'] })
  neighbour = await catalog.neighbour()
})

async function folderOf(where: TestCatalog, name: string): Promise<string> {
  const { json } = await where.call(where.admin, 'POST', TABLES, { name, schema: SIMPLE_SCHEMA })
  return `${(json.metadata.location as string).replace(/^s3:\/\/[^/]*\//, '')}/`
}

function sign(sent: Sent, who: Person = catalog.admin, table = `${TABLES}/a`): Promise<Answer> {
  return catalog.call(who, 'POST', `${table}/sign`, { method: 'GET', region: 'elsewhere-1', headers: {}, ...sent })
}

/** Whether the endpoint's own verification, which shares no code with the signer, finds the signature right. */
async function isRight(method: string, path: string, headers: readonly (readonly [string, string])[], signed: Answer) {
  const { authorization, ...sent } = signed.json.headers as Record<string, string[]>
  const [, signature = ''] = /Signature=([0-9a-f]{64})$/.exec(authorization?.[0] ?? '') ?? []
  const scope = { timestamp: sent['x-amz-date']?.[0] ?? '', region: 'auto' }
  const payload = sent['x-amz-content-sha256']?.[0] ?? ''
  const canonical = canonicalRequest(method, path, '', headers, payload)
  return signatureMatches(
    await signingKey('parent-secret', scope),
    signature,
    await requestStringToSign(scope, canonical),
  )
}

describe('what is signed', () => {
  it('carries the key pair, the region and an age that leaves it five minutes', async () => {
    const uri = `${BUCKET}/${mine}data/x.parquet`
    const answer = await sign({ uri, headers: { 'amz-sdk-request': ['1'], Range: ['bytes=0-1'] } })
    const { status, json, headers } = answer
    expect([status, json.uri, headers.get('cache-control')]).toEqual([200, uri, 'private'])
    expect(json.headers).toEqual({
      authorization: [expect.any(String)],
      'x-amz-date': ['20261121T075000Z'],
      'x-amz-content-sha256': ['UNSIGNED-PAYLOAD'],
    })
    const signedHeaders = [
      ['host', 'catalog.test'],
      ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD'],
      ['x-amz-date', '20261121T075000Z'],
    ] as const
    expect(await isRight('GET', `/s3/lake/${mine}data/x.parquet`, signedHeaders, answer)).toBe(true)
    expect(await isRight('PUT', `/s3/lake/${mine}data/x.parquet`, signedHeaders, answer)).toBe(false)
    expect(json.headers.authorization[0]).toContain(
      'Credential=parent/20261121/auto/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date,',
    )
  })

  it.each([
    ['GET', 'k'],
    ['HEAD', 'k'],
    ['PUT', 'k'],
    ['DELETE', 'k'],
    ['POST', 'k?uploads'],
    ['PUT', 'k?partNumber=1&uploadId=u%2Fx'],
    ['POST', 'k?uploadId=u'],
    ['DELETE', 'k?uploadId=u&x-id=AbortMultipartUpload'],
    ['GET', 'data/region=a%252Fb/c%20%2B%C3%A9/x%25.parquet'],
  ])('%s of %s', async (method, file) => {
    const { status, headers } = await sign({ method, uri: `${BUCKET}/${mine}${file}` })
    expect([status, headers.get('cache-control')]).toEqual([200, /GET|HEAD/.test(method) ? 'private' : 'no-cache'])
  })

  it('a listing below the folder, however the bucket is spelled', async () => {
    for (const uri of [BUCKET, `${BUCKET}/`])
      expect((await sign({ uri: `${uri}?list-type=2&prefix=${encodeURIComponent(mine)}data` })).status).toBe(200)
  })

  it('a body of signed hash, a trailer, and a copy of an own object', async () => {
    const put = { method: 'PUT', uri: `${BUCKET}/${mine}k` }
    const hash = '0'.repeat(64)
    const answers = [
      await sign({ ...put, headers: { 'X-Amz-Content-Sha256': [hash] } }),
      await sign({ ...put, headers: { 'x-amz-trailer': ['x-amz-checksum-crc32'] } }),
      await sign({ ...put, headers: { 'x-amz-copy-source': [`lake/${mine}other`] } }),
    ]
    expect(answers.map(({ json }) => json.headers['x-amz-content-sha256'])).toEqual([
      [hash],
      ['STREAMING-UNSIGNED-PAYLOAD-TRAILER'],
      ['UNSIGNED-PAYLOAD'],
    ])
    expect(answers[2]?.json.headers.authorization[0]).toContain('x-amz-copy-source;')
  })

  it.each(['a b', 'a  b', 'é+,;=', 'region=a%2Fb/x'])('a copy of %j in the one spelling', async (file) => {
    const put = { method: 'PUT', uri: `${BUCKET}/${mine}k` }
    const key = `${mine}${file.split('/').map(encodeURIComponent).join('/')}`
    for (const source of [`lake/${key}`, `/lake/${key}`])
      expect((await sign({ ...put, headers: { 'x-amz-copy-source': [source] } })).status).toBe(200)
  })

  it('objects of any spelling in the folder, because engines write what values are', async () => {
    expect((await sign({ uri: `${BUCKET}/${mine}city=${encodeURIComponent('e\u0301\u212A')}/x` })).status).toBe(200)
  })

  it('exactly the DeleteObjects that was checked', async () => {
    const body = `<Delete><Object><Key>${mine}a&amp;b</Key></Object></Delete>`
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body))
    const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    const { json } = await sign({ method: 'POST', uri: `${BUCKET}?delete`, body })
    expect(json.headers['x-amz-content-sha256']).toEqual([hash])
    const lying = { 'x-amz-content-sha256': ['UNSIGNED-PAYLOAD'] }
    expect((await sign({ method: 'POST', uri: `${BUCKET}?delete`, body, headers: lying })).status).toBe(400)
  })
})

describe('what is refused', () => {
  const outside: [string, () => Sent][] = [
    ['another table', () => ({ uri: `${BUCKET}/${theirs}k` })],
    ['a sibling folder', () => ({ uri: `${BUCKET}/${mine.slice(0, -1)}2/k` })],
    ['the folder without its slash', () => ({ uri: `${BUCKET}/${mine.slice(0, -1)}` })],
    ['another bucket', () => ({ uri: `http://catalog.test/s3/lake2/${mine}k` })],
    ['a bucket of like name', () => ({ uri: `http://catalog.test/s3/lake2?list-type=2&prefix=${mine}` })],
    ['another host', () => ({ uri: `http://elsewhere.test/s3/lake/${mine}k` })],
    ['another scheme', () => ({ uri: `https://catalog.test/s3/lake/${mine}k` })],
    ['another port', () => ({ uri: `http://catalog.test:81/s3/lake/${mine}k` })],
    ['a host of the bucket, where there is none', () => ({ uri: `http://lake.catalog.test/s3/${mine}k` })],
    ['the catalog itself', () => ({ uri: `http://catalog.test/v1/demo/namespaces` })],
    ['dot segments', () => ({ uri: `${BUCKET}/${mine}../${theirs}k` })],
    ['a listing of another table', () => ({ uri: `${BUCKET}?list-type=2&prefix=${theirs}` })],
    ['a listing of the siblings', () => ({ uri: `${BUCKET}?list-type=2&prefix=${mine.slice(0, -1)}` })],
    [
      'one foreign key among those to delete',
      () => ({
        method: 'POST',
        uri: `${BUCKET}?delete`,
        body: `<Delete><Object><Key>${mine}k</Key></Object><Object><Key>${theirs}k</Key></Object></Delete>`,
      }),
    ],
    ['a copy of another table', () => copying(`lake/${theirs}k`)],
    ['a copy of another bucket', () => copying(`/lake2/${mine}k`)],
    ['a copy by dot segments', () => copying(`lake/${mine}../${theirs}k`)],
  ]

  function copying(...sources: string[]): Sent {
    return { method: 'PUT', uri: `${BUCKET}/${mine}k`, headers: { 'X-Amz-Copy-Source': sources } }
  }

  it.each(outside)('as forbidden: %s', async (_, sent) => {
    const { status, json } = await sign(sent())
    expect([status, json.error?.type]).toEqual([403, 'ForbiddenException'])
    expect(json.error.message).not.toContain(theirs)
  })

  const malformed: [string, () => Sent][] = [
    ['encoded dots', () => ({ uri: `${BUCKET}/${mine}%252e%252e/k` })],
    ['encoded separators', () => ({ uri: `${BUCKET}/${mine}..%2Fk` })],
    ['an encoded backslash', () => ({ uri: `${BUCKET}/${mine}..%5ck` })],
    ['broken encoding', () => ({ uri: `${BUCKET}/${mine}%zz` })],
    ['over-long UTF-8', () => ({ uri: `${BUCKET}/${mine}%C0%AE%C0%AE/k` })],
    ['a user in the URI', () => ({ uri: `http://x@catalog.test/s3/lake/${mine}k` })],
    ['a fragment', () => ({ uri: `${BUCKET}/${mine}k#x` })],
    ['no URI', () => ({ uri: `/s3/lake/${mine}k` })],
    ['a listing of everything', () => ({ uri: `${BUCKET}?list-type=2` })],
    ['a parameter given twice', () => ({ uri: `${BUCKET}?list-type=2&prefix=${mine}&prefix=` })],
    ...['acl', 'policy', 'tagging', 'versionId=1', 'uploads', 'response-content-type=x', 'X-Amz-Signature=x'].map(
      (query): [string, () => Sent] => [`?${query}`, () => ({ uri: `${BUCKET}/${mine}k?${query}` })],
    ),
    ['?lifecycle of the bucket', () => ({ method: 'PUT', uri: `${BUCKET}?lifecycle` })],
    ['deletion of the bucket', () => ({ method: 'DELETE', uri: BUCKET })],
    ['?restore', () => ({ method: 'POST', uri: `${BUCKET}/${mine}k?restore` })],
    ['PATCH', () => ({ method: 'PATCH', uri: `${BUCKET}/${mine}k` })],
    ['DeleteObjects without its body', () => ({ method: 'POST', uri: `${BUCKET}?delete` })],
    ['DeleteObjects of no key', () => ({ method: 'POST', uri: `${BUCKET}?delete`, body: '<Delete/>' })],
    [
      'DeleteObjects of a version',
      () => ({
        method: 'POST',
        uri: `${BUCKET}?delete`,
        body: `<Delete><Object><Key>${mine}k</Key><VersionId>1</VersionId></Object></Delete>`,
      }),
    ],
    ...[
      'authorization',
      'x-amz-security-token',
      'X-Amz-Acl',
      'x-amz-grant-read',
      'x-amz-tagging',
      'x-amz-object-lock-mode',
      'x-amz-bypass-governance-retention',
      'x-amz-website-redirect-location',
    ].map((name): [string, () => Sent] => [
      `the header ${name}`,
      () => ({ method: 'PUT', uri: `${BUCKET}/${mine}k`, headers: { [name]: ['x'] } }),
    ]),
    ['chunks to be signed', () => putting({ 'x-amz-content-sha256': ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD'] })],
    ['a header in two cases', () => putting({ 'X-Amz-Te': ['a'], 'x-amz-te': ['b'] })],
    ['a header of two lines', () => putting({ 'x-amz-te': ['a\r\nx-amz-acl: public-read'] })],
    ...[['1', '2'], [], ['1  2'], ['1\t2'], [' 1'], ['1 ']].map((values): [string, () => Sent] => [
      `the values ${JSON.stringify(values)} of a header`,
      () => putting({ 'x-amz-meta-a': values }),
    ]),
    ['a copy of two lines', () => copying(`lake/${mine}k`, `lake/${theirs}k`)],
    ['a copy of one line twice', () => copying(`lake/${mine}k`, `lake/${mine}k`)],
    ['a copy of no line', () => copying()],
    ['a copy of nothing', () => copying('')],
    ['a copy of an access point', () => copying('arn:aws:s3:auto:1:accesspoint/x/object/k')],
    ['a copy of a list', () => copying(`lake/${mine}k,lake/${theirs}k`)],
    ['a copy of a list with a blank', () => copying(`lake/${mine}k, lake/${theirs}k`)],
    ['a copy by an encoded slash', () => copying(`lake%2F${mine}k`)],
    ['a copy by two slashes', () => copying(`//lake/${mine}k`)],
    ...['a  b', 'a b', 'a+b', '%c3%a9', '%6B', '%2E%2E/k', 'k?versionId=1'].map((file): [string, () => Sent] => [
      `a copy of ${file}`,
      () => copying(`lake/${mine}${file}`),
    ]),
    ['another provider', () => ({ uri: `${BUCKET}/${mine}k`, provider: 'gcs' })],
  ]

  function putting(headers: Record<string, string[]>): Sent {
    return { method: 'PUT', uri: `${BUCKET}/${mine}k`, headers }
  }

  it.each(malformed)('as malformed: %s', async (_, sent) => {
    const { status, json } = await sign(sent())
    expect([status, json.error?.type]).toEqual([400, 'BadRequestException'])
  })

  it('a wrong header in the words of the headers', async () => {
    const uri = `${BUCKET}/${mine}k`
    const bad: unknown[] = [
      [],
      { 'x-amz-meta-a': 'x' },
      { 'x-amz-meta-a': null },
      { a: [1] },
      { 'a b': ['1'] },
      { 'x-amz-meta-\u212a': ['1'] },
      { 'x-amz-acl': ['x'] },
      { 'x-amz-meta-a': ['é'] },
      { 'x-amz-content-sha256': ['abc'] },
    ]
    for (const headers of bad) {
      const body = { method: 'PUT', uri, region: 'auto', headers }
      const { status, json } = await catalog.call(catalog.admin, 'POST', `${TABLES}/a/sign`, body)
      expect([status, json.error.message]).toEqual([400, expect.stringMatching(/^Invalid headers: /)])
    }
  })

  it('a body that is larger than any request needs', async () => {
    const largest = `${mine}${'k'.repeat(1024 - mine.length)}`
    const keys = `<Object><Key>${largest}</Key></Object>`.repeat(1000)
    const most = { method: 'POST', uri: `${BUCKET}?delete`, body: `<Delete>${keys}</Delete>` }
    expect((await sign(most)).status).toBe(200)
    expect((await sign({ ...most, body: most.body + ' '.repeat(1024 * 1024) })).status).toBe(413)
  })

  it('bodies of no use', async () => {
    const uri = `${BUCKET}/${mine}k`
    for (const body of [
      '',
      '[]',
      '{}',
      '{"method":1,"uri":"x"}',
      JSON.stringify({ method: 'GET', uri, headers: { a: 'b' } }),
      JSON.stringify({ method: 'GET', uri, headers: [] }),
      JSON.stringify({ method: 'GET', uri, headers: {}, body: {} }),
      `{"method":"GET","uri":${JSON.stringify(uri)},"headers":{"__proto__":1}}`,
    ])
      expect((await catalog.call(catalog.admin, 'POST', `${TABLES}/a/sign`, body)).status).toBe(400)
  })
})

describe('who may', () => {
  it('a reader has reads signed and nothing that writes', async () => {
    const uri = `${BUCKET}/${mine}metadata/k`
    for (const method of ['GET', 'HEAD']) expect((await sign({ method, uri }, reader)).status).toBe(200)
    const writes: Sent[] = [
      { method: 'PUT', uri },
      { method: 'DELETE', uri },
      { method: 'POST', uri: `${uri}?uploads` },
      { method: 'PUT', uri: `${uri}?partNumber=1&uploadId=u` },
      { method: 'POST', uri: `${uri}?uploadId=u` },
      { method: 'DELETE', uri: `${uri}?uploadId=u` },
      { method: 'PUT', uri, headers: { 'x-amz-copy-source': [`lake/${mine}k`] } },
      { method: 'POST', uri: `${BUCKET}?delete`, body: `<Delete><Object><Key>${mine}k</Key></Object></Delete>` },
    ]
    for (const write of writes) expect((await sign(write, reader)).json.error.type).toBe('ForbiddenException')
    expect((await sign({ uri: `${BUCKET}/${theirs}k` }, reader, `${TABLES}/b`)).status).toBe(404)
  })

  it('nobody writes at a tag', async () => {
    const tenant = catalog.store.tenant(catalog.tenantId)
    const { place } = await tenant.read({ at: { catalog: 'demo', ref: 'main' }, keys: [] })
    if (!place) throw new Error('no branch main')
    await tenant.branches.tag({
      id: crypto.randomUUID(),
      from: { branchId: place.branch.id },
      name: 'v1',
      at: NOW.toISOString(),
    })
    const tagged = TABLES.replace('demo', 'demo@v1')
    const uri = `${BUCKET}/${mine}k`
    expect((await sign({ uri }, catalog.admin, `${tagged}/a`)).status).toBe(200)
    expect((await sign({ method: 'PUT', uri }, catalog.admin, `${tagged}/a`)).status).toBe(403)
  })

  it('another tenant finds no table, or his own only', async () => {
    const uri = `${BUCKET}/${mine}k`
    const ask = () =>
      neighbour.call(neighbour.admin, 'POST', `${TABLES}/a/sign`, { method: 'GET', uri, region: '', headers: {} })
    expect((await ask()).status).toBe(404)
    await neighbour.call(neighbour.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
    await folderOf(neighbour, 'a')
    expect((await ask()).status).toBe(403)
  })
})

describe('settings for clients', () => {
  async function configFor(delegation: string | null): Promise<Record<string, string>> {
    const headers = delegation === null ? {} : { 'X-Iceberg-Access-Delegation': delegation }
    return (await catalog.call(catalog.admin, 'GET', `${TABLES}/a`, undefined, headers)).json.config
  }

  it('name the table in what they ask for, and hold no key', async () => {
    const config = await configFor('remote-signing')
    expect(config).toEqual({
      's3.remote-signing-enabled': 'true',
      'signer.endpoint': 'v1/demo/namespaces/ns/tables/a/sign',
      's3.signer.endpoint': 'v1/demo/namespaces/ns/tables/a/sign',
      's3.signer': 'S3V4RestSigner',
      'py-io-impl': 'pyiceberg.io.fsspec.FsspecFileIO',
      's3.endpoint': 'http://catalog.test/s3',
      's3.region': 'auto',
      'client.region': 'auto',
      's3.path-style-access': 'true',
    })
    expect(await configFor('')).toEqual({})
  })

  it.each([null, 'vended-credentials', 'remote-signing, vended-credentials'])(
    'are a credential to be refreshed for %j',
    async (delegation) => {
      const config = await configFor(delegation)
      expect(config['s3.remote-signing-enabled']).toBeUndefined()
      expect(config['client.refresh-credentials-endpoint']).toBe('v1/demo/namespaces/ns/tables/a/credentials')
      expect(config['s3.session-token-expires-at-ms']).toBe(String(NOW.getTime() + 3_600_000))
    },
  )

  it('spell names so that they are read the same by everybody', async () => {
    const space = ['a b+c', 'd/é%1F']
    for (const levels of [space.slice(0, 1), space])
      await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: levels })
    const path = `/v1/demo/namespaces/${space.map(encodeURIComponent).join('%1F')}/tables`
    const asked = { 'X-Iceberg-Access-Delegation': 'remote-signing' }
    const { json } = await catalog.call(catalog.admin, 'POST', path, { name: 't+ x', schema: SIMPLE_SCHEMA }, asked)
    const endpoint = `/${json.config['signer.endpoint']}`
    const uri = `${(json.metadata.location as string).replace('s3://lake', BUCKET)}/k`
    for (const version of ['', 'Apache Iceberg 1.11.0'])
      expect(
        (
          await catalog.call(
            catalog.admin,
            'POST',
            endpoint,
            { method: 'GET', uri, region: 'auto', headers: {} },
            { 'X-Client-Version': version },
          )
        ).status,
      ).toBe(200)
  })
})
