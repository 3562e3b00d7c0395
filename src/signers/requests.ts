import { AwsV4Signer } from 'aws4fetch'
import { S3_CLOCK_SKEW_SECONDS, SIGNED_REQUEST_TTL_SECONDS } from '#src/limits'
import type { RequestSigner } from './signer.ts'

/**
 * Signs with AWS Signature Version 4 in headers. Object storage takes such a signature until its date is
 * `S3_CLOCK_SKEW_SECONDS` old and has no shorter expiry, so the date lies in the past by what the signature must not live.
 */
export function requestSigner(key: {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
}): RequestSigner {
  const keysOfTheDay = new Map<string, ArrayBuffer>()
  return {
    async sign({ method, url, headers, nowMs }) {
      const datedMs = nowMs - (S3_CLOCK_SKEW_SECONDS - SIGNED_REQUEST_TTL_SECONDS) * 1000
      const day = new Date(datedMs).toISOString().slice(0, 10).replaceAll('-', '')
      if (![...keysOfTheDay.keys()].every((known) => known.includes(`,${day},`))) keysOfTheDay.clear()
      const signer = new AwsV4Signer({
        method,
        url,
        headers: { ...headers },
        accessKeyId: key.accessKeyId,
        secretAccessKey: key.secretAccessKey,
        region: key.region,
        service: 's3',
        datetime: new Date(datedMs).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
        cache: keysOfTheDay,
      })
      const signed = await signer.sign()
      return Object.fromEntries(
        ['authorization', 'x-amz-date', 'x-amz-content-sha256'].map((name) => [name, signed.headers.get(name) ?? '']),
      )
    },
  }
}
