import { errors, jwtVerify, type JWTPayload } from 'jose'
import { S3Error, accessDenied } from './errors.ts'
import { sha256Hex } from './sigv4.ts'

/** What a credential is checked against. */
export interface CredentialIssuer {
  /** The bucket that the parent itself opens. */
  readonly bucketName: string
  readonly parentAccessKeyId: string
  readonly parentSecretAccessKey: string
  /** The hosts under which a client may have reached this endpoint with this request. */
  readonly audience: (request: Request) => readonly string[]
}

export type S3Action =
  | 'AbortMultipartUpload'
  | 'CompleteMultipartUpload'
  | 'CopyObject'
  | 'CreateMultipartUpload'
  | 'DeleteObject'
  | 'DeleteObjects'
  | 'GetBucketLocation'
  | 'GetObject'
  | 'HeadObject'
  | 'ListObjectsV1'
  | 'ListObjectsV2'
  | 'PutObject'
  | 'UploadPart'

/** What a verified session token lets its bearer do. `null` stands for "not narrowed". */
export interface Rights {
  readonly bucket: string
  readonly scope: string
  readonly actions: readonly string[] | null
  readonly paths: { readonly prefixes: readonly string[]; readonly objects: readonly string[] } | null
}

const READ_ACTIONS: readonly S3Action[] = [
  'GetBucketLocation',
  'GetObject',
  'HeadObject',
  'ListObjectsV1',
  'ListObjectsV2',
]
/** The actions that each scope includes; any other scope includes none. */
const SCOPES = new Map<string, 'every action' | readonly S3Action[]>([
  ['object-read-only', READ_ACTIONS],
  ['admin-read-only', READ_ACTIONS],
  ['object-read-write', 'every action'],
  ['admin-read-write', 'every action'],
])

/**
 * Verifies an R2 temporary credential: `base64('jwt/' + JWT)`, HS256 under the parent's secret, in time, for this
 * endpoint. The secret key that goes with it is the hash of the JWT. Without a token it is the parent itself, by whose
 * secret the catalog signs single requests for clients that get no credential: it opens objects of the one bucket.
 * @throws S3Error `InvalidAccessKeyId`, `InvalidToken`, `ExpiredToken`
 */
export async function openCredential(
  accessKeyId: string,
  sessionToken: string | null,
  issuer: CredentialIssuer,
  request: Request,
  now: Date,
): Promise<{ readonly rights: Rights; readonly secretAccessKey: string }> {
  if (accessKeyId !== issuer.parentAccessKeyId)
    throw new S3Error('InvalidAccessKeyId', 'The access key does not exist in our records.')
  if (sessionToken === null) return { rights: parentRights(issuer), secretAccessKey: issuer.parentSecretAccessKey }
  const token = jwtOf(sessionToken)
  const payload = await verified(token, issuer, request, now)
  return { rights: rightsOf(payload), secretAccessKey: await sha256Hex(new TextEncoder().encode(token)) }
}

function parentRights({ bucketName }: CredentialIssuer): Rights {
  return { bucket: bucketName, scope: 'object-read-write', actions: null, paths: null }
}

function jwtOf(sessionToken: string): string {
  try {
    const text = atob(sessionToken)
    if (text.startsWith('jwt/')) return text.slice('jwt/'.length)
  } catch (cause) {
    throw invalidToken(cause)
  }
  throw invalidToken()
}

async function verified(token: string, issuer: CredentialIssuer, request: Request, now: Date): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(issuer.parentSecretAccessKey), {
      algorithms: ['HS256'],
      issuer: issuer.parentAccessKeyId,
      audience: [...issuer.audience(request)],
      requiredClaims: ['exp', 'iat'],
      currentDate: now,
    })
    return payload
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) throw new S3Error('ExpiredToken', 'The provided token has expired.', cause)
    throw invalidToken(cause)
  }
}

function rightsOf(payload: JWTPayload): Rights {
  const { bucket, scope, actions, paths } = payload
  if (typeof bucket !== 'string' || typeof scope !== 'string') throw invalidToken()
  return {
    bucket,
    scope,
    actions: actions === undefined ? null : strings(actions),
    paths: paths === undefined ? null : pathsOf(paths),
  }
}

function pathsOf(paths: unknown): Rights['paths'] {
  if (typeof paths !== 'object' || paths === null) throw invalidToken()
  const { prefixPaths = [], objectPaths = [] } = paths as { prefixPaths?: unknown; objectPaths?: unknown }
  return { prefixes: strings(prefixPaths), objects: strings(objectPaths) }
}

function strings(value: unknown): readonly string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw invalidToken()
  return value
}

function invalidToken(cause?: unknown): S3Error {
  return new S3Error('InvalidToken', 'The provided token is malformed or otherwise invalid.', cause)
}

/** Refuses a bucket or an action that the credential does not name. @throws S3Error `AccessDenied` */
export function requireAction(rights: Rights, bucket: string, action: S3Action): void {
  const scoped = SCOPES.get(rights.scope) ?? []
  const inScope = scoped === 'every action' || scoped.includes(action)
  if (rights.bucket !== bucket || !inScope || !(rights.actions?.includes(action) ?? true)) throw accessDenied()
}

/** Whether the credential opens this object. */
export function opensKey({ paths }: Rights, key: string): boolean {
  if (paths === null) return true
  return paths.objects.includes(key) || paths.prefixes.some((prefix) => key.startsWith(prefix))
}

/** Whether everything that a listing of this prefix can show is open to the credential. */
export function opensListing({ paths }: Rights, prefix: string): boolean {
  return paths === null || paths.prefixes.some((allowed) => prefix.startsWith(allowed))
}
