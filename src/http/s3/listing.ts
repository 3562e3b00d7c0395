import { S3_KEYS_PER_CALL_MAX } from '#src/limits'
import { type Call, xmlResponse } from './call.ts'
import { S3Error } from './errors.ts'
import { uriEncodeKey } from './uri.ts'
import type { XmlNode } from './xml.ts'

interface Page {
  readonly objects: readonly R2Object[]
  readonly folders: readonly string[]
  /** R2's cursor, if there is more. */
  readonly cursor: string | null
}

/** ListObjectsV2. The continuation token is R2's cursor. */
export async function listObjectsV2(call: Call): Promise<Response> {
  const token = call.query.get('continuation-token')
  const startAfter = call.query.get('start-after') ?? ''
  const page = await readPage(call, startAfter, token)
  const encode = encoder(call)
  return xmlResponse([
    'ListBucketResult',
    [
      ...head(call, encode),
      ...(startAfter === '' ? [] : [['StartAfter', encode(startAfter)] as const]),
      ...(token === undefined ? [] : [['ContinuationToken', token] as const]),
      ['KeyCount', page.objects.length + page.folders.length],
      ['IsTruncated', page.cursor !== null],
      ...(page.cursor === null ? [] : [['NextContinuationToken', page.cursor] as const]),
      ...contents(page, encode),
    ],
  ])
}

/** ListObjects, the first version: it goes on after a key or folder instead of a token. */
export async function listObjectsV1(call: Call): Promise<Response> {
  const marker = call.query.get('marker') ?? ''
  const page = await readPage(call, marker, undefined)
  const encode = encoder(call)
  const last = [page.objects.at(-1)?.key ?? '', page.folders.at(-1) ?? ''].toSorted(byUtf8).at(-1) ?? ''
  return xmlResponse([
    'ListBucketResult',
    [
      ...head(call, encode),
      ['Marker', encode(marker)],
      ['IsTruncated', page.cursor !== null],
      ...(page.cursor === null ? [] : [['NextMarker', encode(last)] as const]),
      ...contents(page, encode),
    ],
  ])
}

async function readPage({ bucket, query }: Call, after: string, cursor: string | undefined): Promise<Page> {
  const limit = pageSize(query.get('max-keys'))
  if (limit === 0) return { objects: [], folders: [], cursor: null }
  const delimiter = query.get('delimiter') ?? ''
  const found = await bucket.list({
    prefix: query.get('prefix') ?? '',
    limit,
    ...(delimiter !== '' && { delimiter }),
    ...(after !== '' && { startAfter: beyond(after, delimiter) }),
    ...(cursor !== undefined && { cursor }),
  })
  return { objects: found.objects, folders: found.delimitedPrefixes, cursor: found.truncated ? found.cursor : null }
}

/** A listing that goes on after a folder skips all that the folder holds. U+10FFFF sorts behind every character. */
function beyond(after: string, delimiter: string): string {
  return delimiter !== '' && after.endsWith(delimiter) ? `${after}\u{10FFFF}` : after
}

function pageSize(value: string | undefined): number {
  if (value === undefined) return S3_KEYS_PER_CALL_MAX
  if (!/^\d{1,10}$/.test(value)) throw new S3Error('InvalidArgument', 'max-keys must be a number of keys.')
  return Math.min(Number(value), S3_KEYS_PER_CALL_MAX)
}

type Encode = (key: string) => string

function encoder({ query }: Call): Encode {
  const type = query.get('encoding-type')
  if (type !== undefined && type !== 'url') throw new S3Error('InvalidArgument', 'encoding-type must be url.')
  return type === 'url' ? uriEncodeKey : (key) => key
}

function head({ query, target }: Call, encode: Encode): XmlNode[] {
  const delimiter = query.get('delimiter') ?? ''
  return [
    ['Name', target.bucket],
    ['Prefix', encode(query.get('prefix') ?? '')],
    ...(delimiter === '' ? [] : [['Delimiter', encode(delimiter)] as const]),
    ...(query.get('encoding-type') === 'url' ? [['EncodingType', 'url'] as const] : []),
    ['MaxKeys', pageSize(query.get('max-keys'))],
  ]
}

function contents({ objects, folders }: Page, encode: Encode): XmlNode[] {
  return [
    ...objects.map((object): XmlNode => [
      'Contents',
      [
        ['Key', encode(object.key)],
        ['LastModified', object.uploaded.toISOString()],
        ['ETag', object.httpEtag],
        ['Size', object.size],
        ['StorageClass', 'STANDARD'],
      ],
    ]),
    ...folders.map((folder): XmlNode => ['CommonPrefixes', [['Prefix', encode(folder)]]]),
  ]
}

function byUtf8(a: string, b: string): number {
  const [left, right] = [new TextEncoder().encode(a), new TextEncoder().encode(b)]
  const at = left.findIndex((byte, index) => byte !== right[index])
  return at === -1 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1)
}
