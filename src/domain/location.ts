import { badRequest } from './errors.ts'
import type { R2Storage } from './records.ts'

declare const validated: unique symbol

/**
 * A place in object storage that has been checked: scheme, bucket, inside the warehouse, no dot segments, no empty
 * segments, no encoded separators, no control characters, and in NFC: R2 takes names that NFC makes the same for one name
 * ("Unicode interoperability"). Object stores and signers accept nothing else, and only
 * {@link validateFile} and {@link validateFolder} make one of what somebody names; {@link locateObject} finds files that
 * the catalog's own metadata names, as they are. `uri` is `s3://<bucket>/<key>`; a folder's ends in `/`.
 */
export interface ValidatedLocation {
  readonly [validated]: true
  readonly uri: string
  readonly bucket: string
  readonly key: string
}

/** What a location may say for each kind of storage. The canonical form uses the first scheme. */
const SCHEMES: Readonly<Record<R2Storage['kind'], readonly string[]>> = { r2: ['s3', 's3a', 's3n'] }

/** R2 and S3 refuse longer keys. Bytes of UTF-8. */
const KEY_BYTES_MAX = 1024

/** A folder of a warehouse that nobody chose: directly below the prefix, named by a UUID. */
export function isDefaultFolder(folder: ValidatedLocation, storage: R2Storage): boolean {
  const rest = folder.key.slice(storage.prefix.length)
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/$/.test(rest)
}

/** Checks the location of a table, its data or its metadata. @throws CatalogError `bad-request`, naming `what` */
export function validateFolder(uri: unknown, storage: R2Storage, what: string): ValidatedLocation {
  const { scheme, bucket, key } = parse(uri, storage, what)
  const folder = withoutTrailingSlashes(key)
  checkKey(folder, storage, what)
  return { uri: `${scheme}://${bucket}/${folder}/`, bucket, key: `${folder}/` } as ValidatedLocation
}

/** Checks the location of one object. @throws CatalogError `bad-request`, naming `what` */
export function validateFile(uri: unknown, storage: R2Storage, what: string): ValidatedLocation {
  const { scheme, bucket, key } = parse(uri, storage, what)
  checkKey(key, storage, what)
  return { uri: `${scheme}://${bucket}/${key}`, bucket, key } as ValidatedLocation
}

/**
 * An object by the name that an engine wrote into its own files, or null if it lies outside the warehouse or breaks a rule
 * of {@link validateFile}. Percent escapes are kept here, undecoded, as the part of the key that they are: engines write
 * the partition value `a/b` as the folder `region=a%2Fb`. Nor need the key be in NFC, because such values may be anything:
 * {@link isWithin} knows where it lies.
 */
export function locateObject(uri: unknown, storage: R2Storage): ValidatedLocation | null {
  try {
    const { scheme, bucket, key } = parse(uri, storage, 'location')
    checkKey(key, storage, 'location', 'kept')
    return { uri: `${scheme}://${bucket}/${key}`, bucket, key } as ValidatedLocation
  } catch {
    return null
  }
}

/** Whether R2 knows a name by these very characters. */
export function isNormal(text: string): boolean {
  return text === text.normalize('NFC')
}

/** The text up to its last character that is no slash. */
export function withoutTrailingSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end -= 1
  return text.slice(0, end)
}

/** Whether a location names another scheme or bucket than the warehouse's, or a key that is neither its prefix nor below it. */
export function isOutside(uri: string, storage: R2Storage): boolean {
  return !SCHEMES[storage.kind].some((scheme) =>
    `${uri}/`.startsWith(`${scheme}://${storage.bucket}/${storage.prefix}`),
  )
}

/** Whether `inner` is `outer` or lies below it, also by the name that it has in R2. `outer` is a folder. */
export function isWithin(inner: ValidatedLocation, outer: ValidatedLocation): boolean {
  return inner.bucket === outer.bucket && beginsWith(inner.key, outer.key)
}

/** As {@link isWithin} for a folder of a row, which was written by other rules perhaps. */
export function isWithinFolder(inner: ValidatedLocation, folder: string): boolean {
  return folder.endsWith('/') && beginsWith(inner.uri, folder)
}

/** Whether a key, a location or a prefix begins with `folder`, both as it is and in NFC. */
export function beginsWith(text: string, folder: string): boolean {
  return text.startsWith(folder) && text.normalize('NFC').startsWith(folder)
}

function parse(uri: unknown, storage: R2Storage, what: string): { scheme: string; bucket: string; key: string } {
  const allowed = SCHEMES[storage.kind]
  const expected = `${allowed[0]}://${storage.bucket}/${storage.prefix}`
  if (typeof uri !== 'string') throw badRequest(`Invalid ${what}: expected a location below ${expected}`)
  const match = /^([a-z0-9]+):\/\/([^/]*)\/(.*)$/s.exec(uri)
  if (!match) throw badRequest(`Invalid ${what}: expected a location below ${expected}, found ${quoted(uri)}`)
  const [, scheme = '', bucket = '', key = ''] = match
  if (!allowed.includes(scheme) || bucket !== storage.bucket)
    throw badRequest(`Invalid ${what}: expected a location below ${expected}, found ${quoted(uri)}`)
  return { scheme: allowed[0] ?? scheme, bucket, key }
}

function checkKey(key: string, storage: R2Storage, what: string, escapes: 'refused' | 'kept' = 'refused'): void {
  const rule = brokenRule(key, escapes)
  if (rule) throw badRequest(`Invalid ${what}: ${rule}, found ${quoted(key)}`)
  if (!key.startsWith(storage.prefix) || key.length === storage.prefix.length)
    throw badRequest(
      `Invalid ${what}: expected a location below s3://${storage.bucket}/${storage.prefix}, found ${quoted(key)}`,
    )
}

function brokenRule(key: string, escapes: 'refused' | 'kept'): string | undefined {
  if (/\p{Cc}|[\u{E0000}-\u{E007F}]/u.test(key)) return 'control and Unicode tag characters are not allowed'
  if (!key.isWellFormed()) return 'lone surrogates are not allowed'
  if (key.includes('\\')) return 'backslashes are not allowed'
  if (escapes === 'refused' && /%(2f|5c|2e|25|[01][0-9a-f]|7f)/i.test(key))
    return 'encoded separators, dots and percent signs are not allowed'
  if (escapes === 'refused' && !isNormal(key)) return 'expected Unicode in normalization form NFC'
  if (/[?#]/.test(key)) return "'?' and '#' are not allowed"
  const segments = key.split('/')
  if (segments.includes('')) return 'empty segments are not allowed'
  if (segments.includes('.') || segments.includes('..')) return "'.' and '..' are not allowed"
  if (new TextEncoder().encode(key).length > KEY_BYTES_MAX) return `expected a key of at most ${KEY_BYTES_MAX} bytes`
  return undefined
}

/** Quotes what the caller sent, shortened and free of control characters, for a message. */
function quoted(text: string): string {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text
  return JSON.stringify(shown.toWellFormed())
}
