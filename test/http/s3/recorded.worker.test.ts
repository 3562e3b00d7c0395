// Contract: what real S3 clients send is understood, verified and answered, byte for byte as they sent it.
// Source: requests recorded from boto3 1.44, pyarrow 26, s3fs 2026.9, aws-sdk-go-v2 and the AWS SDK for Java 2.44.
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import boto3 from './fixtures/boto3.json'
import go from './fixtures/aws-sdk-go-v2.json'
import java from './fixtures/aws-sdk-java-v2.json'
import pyarrow from './fixtures/pyarrow.json'
import s3fs from './fixtures/s3fs.json'
import { bodyText, outcome, serve, stored } from './harness.ts'

interface Recorded {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly string[])[]
  readonly body: string
  readonly status: number
}

const CLIENTS: Readonly<Record<string, readonly Recorded[]>> = { boto3, pyarrow, s3fs, go, java }

describe.each(Object.entries(CLIENTS))('%s', (_, recorded) => {
  it('is served as it was when it was recorded', async () => {
    const bucket = replayedUploads(env.LAKE)
    for (const sent of recorded) {
      const reports: unknown[] = []
      const response = await serve(requestOf(sent), { bucket, now: signedAt(sent), reports })
      const body = await bodyText(response)
      expect(
        `${sent.method} ${sent.target} ${response.status} ${response.ok ? '' : body} ${reports.join()}`.trim(),
      ).toBe(`${sent.method} ${sent.target} ${sent.status} ${sent.status === 403 ? body : ''}`.trim())
    }
  })

  it('is refused when anything it signed has changed', async () => {
    for (const sent of recorded) {
      const at = { now: signedAt(sent) }
      const elsewhere = {
        ...sent,
        target: sent.target.replace('/wh', '/vh').replace('prefix=wh', 'prefix=vh').replace('?delete', '?uploads'),
      }
      expect(await codeOf(elsewhere, at)).toBe(sent.method === 'HEAD' ? '403 -' : '403 SignatureDoesNotMatch')
    }
  })
})

it.each([
  ['trailer', 0, 403, 'SignatureDoesNotMatch'],
  ['no trailer', 1, 403, 'SignatureDoesNotMatch'],
])('a signed chunk that was tampered with stores nothing (%s)', async (_, index, status, code) => {
  const sent = java[index] as Recorded
  const key = decodeURIComponent(sent.target.slice('/s3/lake/'.length))
  await env.LAKE.delete(key)
  expect(await codeOf({ ...sent, body: sent.body.replace('07e5', '07e6') }, { now: signedAt(sent) })).toBe(
    `${status} ${code}`,
  )
  expect(await stored(key)).toBeNull()
})

it('a signed trailer that was tampered with stores nothing', async () => {
  const sent = java[0] as Recorded
  const key = decodeURIComponent(sent.target.slice('/s3/lake/'.length))
  const body = sent.body.replace(/(x-amz-checksum-crc32:)./, '$1*')
  expect(body).not.toBe(sent.body)
  expect(await codeOf({ ...sent, body }, { now: signedAt(sent) })).toBe('403 SignatureDoesNotMatch')
  expect(await stored(key)).toBeNull()
})

it('a recorded request is worth nothing an hour later', async () => {
  const [sent] = boto3 as unknown as readonly [Recorded]
  const late = new Date(signedAt(sent).getTime() + 3_600_000)
  expect(await codeOf(sent, { now: late })).toBe('403 RequestTimeTooSkewed')
})

async function codeOf(sent: Recorded, at: { now: Date }): Promise<string> {
  return outcome(await serve(requestOf(sent), at))
}

/** The request as Cloudflare hands it over: `accept-encoding` rewritten, the client's own beside it. */
function requestOf({ method, target, headers: list, body }: Recorded): Request {
  const headers = new Headers()
  for (const [name = '', value = ''] of list) if (name !== 'transfer-encoding') headers.set(name, value)
  const clientAcceptEncoding = headers.get('accept-encoding') ?? ''
  headers.set('accept-encoding', 'br, gzip')
  const bytes = Uint8Array.from(body, (character) => character.charCodeAt(0))
  return new Request(`http://${headers.get('host')}${target}`, {
    method,
    headers,
    cf: { clientAcceptEncoding },
    ...(bytes.length > 0 && { body: bytes }),
  })
}

function signedAt({ headers, target }: Recorded): Date {
  const date = headers.find(([name]) => name === 'x-amz-date')?.[1] ?? /X-Amz-Date=(\w+)/.exec(target)?.[1] ?? ''
  return new Date(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'))
}

/** R2 chooses upload ids and parts' ETags anew at each replay; this puts them where the recorded ones stand. */
function replayedUploads(bucket: R2Bucket): R2Bucket {
  const uploads = new Map<string, R2MultipartUpload>()
  const etags = new Map<number, string>()
  const replaced: Pick<R2Bucket, 'createMultipartUpload' | 'resumeMultipartUpload'> = {
    async createMultipartUpload(key, options) {
      const upload = await bucket.createMultipartUpload(key, options)
      uploads.set(key, upload)
      return upload
    },
    resumeMultipartUpload(key, uploadId) {
      const upload = uploads.get(key) ?? bucket.resumeMultipartUpload(key, uploadId)
      return {
        key,
        uploadId,
        abort: () => upload.abort(),
        async uploadPart(partNumber, value) {
          const part = await upload.uploadPart(partNumber, value)
          etags.set(partNumber, part.etag)
          return part
        },
        complete: (parts) =>
          upload.complete(parts.map(({ partNumber }) => ({ partNumber, etag: etags.get(partNumber) ?? '' }))),
      }
    },
  }
  return new Proxy(bucket, {
    get(target, name) {
      if (name === 'createMultipartUpload' || name === 'resumeMultipartUpload') return replaced[name]
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
