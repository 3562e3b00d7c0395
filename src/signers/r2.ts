import { SignJWT } from 'jose'
import { toHex } from '#domain/hex'
import type { ValidatedLocation } from '#domain/location'
import { R2_CREDENTIAL_TTL_SECONDS_MAX } from '#src/limits'
import type { Signer, StorageAccess } from './signer.ts'

/** The R2 API token whose rights the credentials narrow. */
export interface R2Parent {
  /** The Cloudflare account that owns the bucket. */
  readonly accountId: string
  readonly parentAccessKeyId: string
  readonly parentSecretAccessKey: string
  /** Host (and port, if any) of the S3 endpoint the client will use: the credential is good for that endpoint only. */
  readonly endpointHost: string
}

const READ_ACTIONS = ['HeadObject', 'GetObject', 'ListObjectsV1', 'ListObjectsV2', 'GetBucketLocation'] as const

/** What R2 is told for each kind of access. Listing other writers' uploads is nobody's business, so it is in neither. */
const GRANTED: Readonly<Record<StorageAccess, { readonly scope: string; readonly actions: readonly string[] }>> = {
  read: { scope: 'object-read-only', actions: READ_ACTIONS },
  'read-write': {
    scope: 'object-read-write',
    actions: [
      ...READ_ACTIONS,
      'PutObject',
      'CopyObject',
      'DeleteObject',
      'DeleteObjects',
      'CreateMultipartUpload',
      'UploadPart',
      'UploadPartCopy',
      'ListParts',
      'CompleteMultipartUpload',
      'AbortMultipartUpload',
    ],
  },
}

/**
 * Makes R2 temporary credentials without calling anybody: a JWT signed with the parent's secret *is* the session
 * token, and its SHA-256 is the secret key (Cloudflare R2, "Authenticate against R2 API using temporary credentials").
 * `sign` throws if the folders are not folders of one bucket, or the life is not one that R2 accepts: mistakes in
 * the program, not in a request.
 */
export function r2Signer(parent: R2Parent): Signer {
  const key = new TextEncoder().encode(parent.parentSecretAccessKey)
  return {
    async sign({ folders, access, nowMs, ttlSeconds }) {
      if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > R2_CREDENTIAL_TTL_SECONDS_MAX)
        throw new RangeError(`expected a life of 1 to ${R2_CREDENTIAL_TTL_SECONDS_MAX} seconds, found ${ttlSeconds}`)
      const issuedAt = Math.floor(nowMs / 1000)
      const expiresAt = issuedAt + ttlSeconds
      const { scope, actions } = GRANTED[access]
      const token = await new SignJWT({ bucket: oneBucket(folders), scope, actions, paths: pathsOf(folders) })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(parent.accountId)
        .setIssuer(parent.parentAccessKeyId)
        .setAudience(parent.endpointHost)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(key)
      return {
        accessKeyId: parent.parentAccessKeyId,
        secretAccessKey: await sha256Hex(token),
        sessionToken: btoa(`jwt/${token}`),
        expiresAtMs: expiresAt * 1000,
      }
    },
  }
}

function oneBucket(folders: readonly [ValidatedLocation, ...ValidatedLocation[]]): string {
  const [{ bucket }] = folders
  const stranger = folders.find((folder) => folder.bucket !== bucket)
  if (stranger) throw new Error(`expected folders of one bucket, found ${bucket} and ${stranger.bucket}`)
  return bucket
}

/** A prefix without its last `/` would open the sibling `orders2` along with `orders`. */
function pathsOf(folders: readonly ValidatedLocation[]): { prefixPaths: string[]; objectPaths: string[] } {
  const file = folders.find((folder) => folder.key === '/' || !folder.key.endsWith('/'))
  if (file) throw new Error(`expected a folder, which ends in '/', found ${file.uri}`)
  return { prefixPaths: [...new Set(folders.map((folder) => folder.key))], objectPaths: [] }
}

async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return toHex(digest)
}
