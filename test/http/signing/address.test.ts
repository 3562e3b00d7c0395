// Contract: a URI of object storage is read in both of S3's styles, and what is signed is what was read.
// Source: Amazon S3, "Virtual hosting of buckets"; AWS SigV4, canonical URI and query; security cases 11 and 39.
import { describe, expect, it } from 'vitest'
import { addressOf } from '#http/signing/address'

const R2 = 'https://account.r2.cloudflarestorage.com'

describe('the same object', () => {
  it.each([
    [`${R2}/lake/a/b%20c`, R2],
    [`${R2.toUpperCase().replace('HTTPS', 'https')}:443/lake/a/b%20c`, R2],
    ['https://lake.account.r2.cloudflarestorage.com/a/b%20c', R2],
    ['http://127.0.0.1:8787/s3/lake/a/b%20c', 'http://127.0.0.1:8787/s3'],
    ['http://127.0.0.1:8787/s3/lake/a/b%20c', 'http://127.0.0.1:8787/s3/'],
  ])('%s', (uri, endpoint) => {
    expect(addressOf(uri, endpoint, 'lake')).toMatchObject({ bucket: 'lake', key: 'a/b c' })
  })
})

describe('the spelling that is signed', () => {
  it.each([
    [
      `${R2}/lake/a/~b+c'(d)*é?prefix=x/y&list-type=2`,
      `${R2}/lake/a/~b%2Bc%27%28d%29%2A%C3%A9?prefix=x%2Fy&list-type=2`,
    ],
    [`${R2}/lake/a%2fb`, null],
    [`${R2}/lake/a%7Eb?uploads`, `${R2}/lake/a~b?uploads=`],
    [`https://lake.account.r2.cloudflarestorage.com/a%3Db`, 'https://lake.account.r2.cloudflarestorage.com/a%3Db'],
    [`${R2}/lake?prefix=a+b`, `${R2}/lake?prefix=a%2Bb`],
    [`${R2}/lake/`, `${R2}/lake/`],
  ])('of %s', (uri, canonical) => {
    const read = () => addressOf(uri, R2, 'lake').canonical
    if (canonical === null) expect(read).toThrow('encoded separators')
    else expect(read()).toBe(canonical)
  })
})

it.each([
  `${R2}/lake2/a`,
  `${R2}/lak%65/a`,
  `${R2}/`,
  `https://lake2.account.r2.cloudflarestorage.com/a`,
  `https://lake.account.r2.cloudflarestorage.com.evil.test/lake/a`,
  `https://lake.account.r2.cloudflarestorage.com:8443/a`,
  'https://evil.test/lake/a',
  'http://account.r2.cloudflarestorage.com/lake/a',
])('nothing else is the bucket: %s', (uri) => {
  expect(() => addressOf(uri, R2, 'lake')).toThrow('expected a URI of bucket lake')
})
