// Contract: the object store port in front of an R2 binding.
// Source: src/objects/objects.ts; the R2 binding's limits (1000 keys per delete).
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { validateFile } from '#domain/location'
import { r2Objects } from '#objects/r2'

const objects = r2Objects(env.LAKE)
const at = (key: string) => validateFile(`s3://lake/wh/${key}`, { kind: 'r2', bucket: 'lake', prefix: '' }, 'location')
const bytes = (text: string) => new TextEncoder().encode(text)

describe('read', () => {
  it('gives the whole object, or null', async () => {
    await objects.create(at('read'), bytes('content'), 'application/json')
    expect(await objects.read(at('read'), 7)).toEqual(bytes('content'))
    expect(await objects.read(at('none'), 7)).toBeNull()
  })

  it('refuses a larger object before reading it', async () => {
    await objects.create(at('large'), bytes('content'), 'application/json')
    await expect(objects.read(at('large'), 6)).rejects.toMatchObject({
      kind: 'too-large',
      message: 'Cannot read s3://lake/wh/large: expected at most 6 bytes, found 7',
    })
  })
})

describe('stream', () => {
  it('gives the object piece by piece, or null', async () => {
    await objects.create(at('stream'), bytes('content'), 'application/json')
    expect(await new Response(await objects.stream(at('stream'))).text()).toBe('content')
    expect(await objects.stream(at('none'))).toBeNull()
  })
})

describe('create', () => {
  it('writes once, with the content type', async () => {
    expect(await objects.create(at('once'), bytes('first'), 'application/json')).toBe(true)
    expect(await objects.create(at('once'), bytes('second'), 'text/plain')).toBe(false)
    const object = await env.LAKE.get('wh/once')
    expect([await object?.text(), object?.httpMetadata?.contentType]).toEqual(['first', 'application/json'])
  })

  it('lets one of many racers win', async () => {
    const racers = Array.from({ length: 20 }, (_, index) => objects.create(at('race'), bytes(`${index}`), 'a/b'))
    expect((await Promise.all(racers)).filter(Boolean)).toHaveLength(1)
  })
})

describe('delete', () => {
  it('takes any number of objects, there or not, twice or not', async () => {
    await env.LAKE.put('wh/d/0', 'x')
    await env.LAKE.put('wh/d/1500', 'x')
    await objects.delete([...Array.from({ length: 1501 }, (_, index) => at(`d/${index}`)), at('d/0')])
    expect((await env.LAKE.list({ prefix: 'wh/d/' })).objects).toEqual([])
    await objects.delete([])
  })
})

it('is unavailable when the bucket fails, and keeps the reason for the log', async () => {
  const cause = new Error('internal error (10001)')
  const failing = () => Promise.reject(cause)
  const broken = r2Objects({ get: failing, put: failing, delete: failing } as unknown as R2Bucket)
  const expected = { kind: 'unavailable', cause }
  await expect(broken.read(at('x'), 1)).rejects.toMatchObject(expected)
  await expect(broken.stream(at('x'))).rejects.toMatchObject(expected)
  await expect(broken.create(at('x'), bytes(''), 'a/b')).rejects.toMatchObject(expected)
  await expect(broken.delete([at('x')])).rejects.toMatchObject(expected)
})
