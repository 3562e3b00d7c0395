// Contract: only a request signed in time with a credential that this endpoint's parent minted is looked at.
// Source: Cloudflare R2, temporary credentials; AWS SigV4; security cases 8, 18 and 37 (alg, audience, issuer, expiry).
import { AwsV4Signer } from 'aws4fetch'
import { SignJWT, UnsecuredJWT } from 'jose'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { requestSigner } from '#signers/requests'
import type { StorageCredential } from '#signers/signer'
import { SIGNED_REQUEST_TTL_SECONDS } from '#src/limits'
import { credential, HOST, NOW, outcome, PARENT, send, type Sent, serve, sha256, signed } from './harness.ts'

const TARGET = '/s3/lake/wh/t1/x'

beforeAll(async () => {
  await env.LAKE.put('wh/t1/x', 'content')
})

describe('the token', () => {
  const claims = {
    bucket: 'lake',
    scope: 'object-read-write',
    paths: { prefixPaths: ['wh/t1/'], objectPaths: [] },
    iss: PARENT.parentAccessKeyId,
    aud: HOST,
    sub: 'account',
    iat: NOW.getTime() / 1000,
    exp: NOW.getTime() / 1000 + 60,
  }

  it('opens what it says', async () => {
    expect(await get(await keyOf(await jwt(claims)))).toBe('200 -')
  })

  it.each([
    ['expired', { ...claims, exp: claims.iat - 1 }, '400 ExpiredToken'],
    ['without an expiry', { ...claims, exp: undefined }, '400 InvalidToken'],
    ['for another host', { ...claims, aud: 'elsewhere.test' }, '400 InvalidToken'],
    ['without an audience', { ...claims, aud: undefined }, '400 InvalidToken'],
    ['of another issuer', { ...claims, iss: 'other' }, '400 InvalidToken'],
    ['without an issuer', { ...claims, iss: undefined }, '400 InvalidToken'],
    ['not yet valid', { ...claims, nbf: claims.exp }, '400 InvalidToken'],
    ['without a bucket', { ...claims, bucket: undefined }, '400 InvalidToken'],
    ['without a scope', { ...claims, scope: undefined }, '400 InvalidToken'],
    ['with a scope unknown here', { ...claims, scope: 'object-write-only' }, '403 AccessDenied'],
    ['with paths that are no lists', { ...claims, paths: { prefixPaths: 'wh/' } }, '400 InvalidToken'],
    ['with no path at all', { ...claims, paths: {} }, '403 AccessDenied'],
    ['with actions that are no list', { ...claims, actions: 'GetObject' }, '400 InvalidToken'],
    ['with no action at all', { ...claims, actions: [] }, '403 AccessDenied'],
  ])('is refused %s', async (_, changed, expected) => {
    expect(await get(await keyOf(await jwt(changed)))).toBe(expected)
  })

  it('is refused with any algorithm but HS256', async () => {
    const unsecured = new UnsecuredJWT({ ...claims }).encode()
    expect(await get(await keyOf(unsecured))).toBe('400 InvalidToken')
    expect(await get(await keyOf(await jwt(claims, 'HS512')))).toBe('400 InvalidToken')
  })

  it('is refused if another parent signed it', async () => {
    expect(await get(await keyOf(await jwt(claims, 'HS256', 'othersecret')))).toBe('400 InvalidToken')
    const stranger = { parentAccessKeyId: 'other', parentSecretAccessKey: 'othersecret' }
    expect(await get(await credential('read', ['wh/t1'], { parent: stranger }))).toBe('403 InvalidAccessKeyId')
  })

  it.each(['jwt', '%%%', btoa('jwt/'), btoa('jwt/a.b.c'), btoa('a.b.c')])('is refused as %j', async (sessionToken) => {
    expect(await get({ ...(await credential()), sessionToken })).toMatch(/^400 InvalidToken|^403 InvalidAccessKeyId/)
  })

  it('cannot be edited', async () => {
    const key = await credential('read')
    const [header, , signature] = atob(key.sessionToken).slice(4).split('.')
    const wider = btoa(JSON.stringify({ ...claims, paths: undefined })).replace(/=+$/, '')
    expect(await get(await keyOf(`${header}.${wider}.${signature}`))).toBe('400 InvalidToken')
  })

  it('is refused once it has expired', async () => {
    const key = await credential('read', ['wh/t1'], { mintedAt: new Date(NOW.getTime() - 3_601_000) })
    expect(await get(key)).toBe('400 ExpiredToken')
  })
})

describe('the signature', () => {
  it('needs the secret that belongs to the token', async () => {
    const key = await credential()
    expect(await get({ ...key, secretAccessKey: '0'.repeat(64) })).toBe('403 SignatureDoesNotMatch')
    expect(await get({ ...key, secretAccessKey: PARENT.parentSecretAccessKey })).toBe('403 SignatureDoesNotMatch')
  })

  it('covers method, path, query and headers', async () => {
    const { headers, url } = await signed(await credential(), 'GET', TARGET)
    const rangeAdded = new Headers(headers)
    rangeAdded.set('x-amz-copy-source', 'lake/wh/t1/x')
    const dateMoved = new Headers(headers)
    dateMoved.set('x-amz-date', '20261121T050001Z')
    const tries = [
      new Request(url, { headers, method: 'DELETE' }),
      new Request(`${url}y`, { headers }),
      new Request(`${url}?uploads`, { headers }),
      new Request(url, { headers: dateMoved }),
    ]
    for (const request of tries) expect(await outcome(await serve(request))).toBe('403 SignatureDoesNotMatch')
    expect(await outcome(await serve(new Request(url, { headers: rangeAdded })))).toBe('403 AccessDenied')
    expect(await env.LAKE.head('wh/t1/x')).not.toBeNull()
  })

  it.each([-16, -14, 14, 16])('may be %i minutes off', async (minutes) => {
    const signedAt = new Date(NOW.getTime() + minutes * 60_000)
    expect(await get(await credential(), { signedAt })).toBe(
      Math.abs(minutes) > 15 ? '403 RequestTimeTooSkewed' : '200 -',
    )
  })

  it.each([
    ['no authorization', () => null, '403 AccessDenied'],
    ['another algorithm', (value: string) => value.replace('HMAC', 'ECDSA'), '400 AuthorizationHeaderMalformed'],
    ['another service', (value: string) => value.replace('/s3/', '/sts/'), '400 AuthorizationHeaderMalformed'],
    ['another day', (value: string) => value.replace('/20261121/', '/20261120/'), '400 AuthorizationHeaderMalformed'],
    ['an unsigned host', (value: string) => value.replace('host;', ''), '400 AuthorizationHeaderMalformed'],
    ['no signature', (value: string) => value.replace(/, Signature.*/, ''), '400 AuthorizationHeaderMalformed'],
    ['half a signature', (value: string) => value.slice(0, -32), '403 SignatureDoesNotMatch'],
    ['another access key', (value: string) => value.replace('parentkey', 'other'), '403 InvalidAccessKeyId'],
    ['a password', () => 'Basic cGFyZW50a2V5OnBhcmVudHNlY3JldA==', '400 AuthorizationHeaderMalformed'],
  ])('is refused with %s', async (_, change, expected) => {
    const { headers, url } = await signed(await credential(), 'GET', TARGET)
    const changed = new Headers(headers)
    const value = change(headers.get('authorization') ?? '')
    if (value === null) changed.delete('authorization')
    else changed.set('authorization', value)
    expect(await outcome(await serve(new Request(url, { headers: changed })))).toBe(expected)
  })

  it('needs the session token of its credential', async () => {
    const { headers, url } = await signed(await credential(), 'GET', TARGET)
    const changed = new Headers(headers)
    changed.delete('x-amz-security-token')
    expect(await outcome(await serve(new Request(url, { headers: changed })))).toBe('403 SignatureDoesNotMatch')
  })

  it("may be the catalog's own, request by request, for objects of its bucket", async () => {
    const sign = requestSigner({ accessKeyId: 'parentkey', secretAccessKey: 'parentsecret', region: 'auto' })
    const ask = async (target: string, ageMs: number, method = 'GET') => {
      const url = `http://${HOST}${target}`
      const headers = await sign.sign({ method, url, headers: {}, nowMs: NOW.getTime() - ageMs })
      return outcome(await serve(new Request(url, { headers: { ...headers, host: HOST } })))
    }
    expect(await ask(TARGET, 0)).toBe('200 -')
    expect(await ask(TARGET, SIGNED_REQUEST_TTL_SECONDS * 1000)).toBe('200 -')
    expect(await ask(TARGET, SIGNED_REQUEST_TTL_SECONDS * 1000 + 1000)).toBe('403 RequestTimeTooSkewed')
    expect(await ask(TARGET, 0, 'DELETE')).toBe('403 SignatureDoesNotMatch')
    expect(await ask('/s3/other/x', 0)).toBe('403 AccessDenied')
  })

  it('fits the accept-encoding the client sent, which Cloudflare keeps beside the request', async () => {
    const { headers, url } = await signed(await credential(), 'GET', TARGET, {
      headers: { 'accept-encoding': 'identity' },
    })
    const rewritten = new Headers(headers)
    rewritten.set('accept-encoding', 'br, gzip')
    const request = (clientAcceptEncoding: string) =>
      new Request(url, { headers: rewritten, cf: { clientAcceptEncoding } })
    expect(await outcome(await serve(request('identity')))).toBe('200 -')
    expect(await outcome(await serve(request('gzip')))).toBe('403 SignatureDoesNotMatch')
  })
})

describe('a presigned URL', () => {
  it('reads until it expires', async () => {
    const request = await signed(await credential('read'), 'GET', TARGET, { presignedSeconds: 60 })
    expect(await outcome(await serve(request.clone(), { now: new Date(NOW.getTime() + 59_000) }))).toBe('200 -')
    expect(await outcome(await serve(request.clone(), { now: new Date(NOW.getTime() + 61_000) }))).toBe(
      '403 AccessDenied',
    )
    expect(await outcome(await serve(request, { now: new Date(NOW.getTime() - 16 * 60_000) }))).toBe(
      '403 RequestTimeTooSkewed',
    )
  })

  it('is never of the key of the catalog itself', async () => {
    const own = new AwsV4Signer({
      url: `http://${HOST}${TARGET}?X-Amz-Expires=60`,
      accessKeyId: 'parentkey',
      secretAccessKey: 'parentsecret',
      service: 's3',
      region: 'auto',
      signQuery: true,
      datetime: NOW.toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
    })
    const { url } = await own.sign()
    expect(await outcome(await serve(new Request(url, { headers: { host: HOST } })))).toBe('403 InvalidAccessKeyId')
  })

  it.each([0, 604_801, 99_999_999])('cannot live %i seconds', async (presignedSeconds) => {
    expect(await get(await credential('read'), { presignedSeconds })).toBe('400 AuthorizationQueryParametersError')
  })

  it('ends with its credential', async () => {
    const request = await signed(await credential('read'), 'GET', TARGET, { presignedSeconds: 7200 })
    expect(await outcome(await serve(request, { now: new Date(NOW.getTime() + 3_601_000) }))).toBe('400 ExpiredToken')
  })

  it('does not write', async () => {
    const sent = { presignedSeconds: 60, body: 'x' }
    expect(await outcome(await send(await credential(), 'PUT', TARGET, sent))).toBe('501 NotImplemented')
    expect(await outcome(await send(await credential(), 'DELETE', TARGET, { presignedSeconds: 60 }))).toBe(
      '501 NotImplemented',
    )
  })

  it('cannot be changed, stretched or combined with a header', async () => {
    const { url, headers } = await signed(await credential('read'), 'GET', TARGET, { presignedSeconds: 60 })
    const stretched = url.replace('X-Amz-Expires=60', 'X-Amz-Expires=600')
    expect(await outcome(await serve(new Request(stretched, { headers })))).toBe('403 SignatureDoesNotMatch')
    const moved = url.replace('/t1/x', '/t1/y')
    expect(await outcome(await serve(new Request(moved, { headers })))).toBe('403 SignatureDoesNotMatch')
    const both = new Request(url, { headers: { ...Object.fromEntries(headers), authorization: 'AWS4-HMAC-SHA256 x' } })
    expect(await outcome(await serve(both))).toBe('400 InvalidRequest')
  })
})

async function get(key: StorageCredential, sent: Sent = {}): Promise<string> {
  return outcome(await send(key, 'GET', TARGET, sent))
}

function jwt(claims: Record<string, unknown>, alg = 'HS256', secret = PARENT.parentSecretAccessKey): Promise<string> {
  return new SignJWT(JSON.parse(JSON.stringify(claims)))
    .setProtectedHeader({ alg, typ: 'JWT' })
    .sign(new TextEncoder().encode(secret))
}

/** The credential that goes with a token. */
async function keyOf(token: string): Promise<StorageCredential> {
  return {
    accessKeyId: PARENT.parentAccessKeyId,
    secretAccessKey: await sha256(new TextEncoder().encode(token)),
    sessionToken: btoa(`jwt/${token}`),
    expiresAtMs: 0,
  }
}
