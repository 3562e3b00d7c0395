import { authenticate } from './authenticate.ts'
import type { Call } from './call.ts'
import { type CredentialIssuer, opensKey, opensListing, requireAction } from './credential.ts'
import { accessDenied, asS3Error, errorResponse, S3Error } from './errors.ts'
import { refuseUnknownFeatures } from './object-headers.ts'
import { findOperation, type Operation } from './operations.ts'
import { parseTarget, Query, rawQueryOf } from './uri.ts'

export interface S3Deps {
  readonly bucket: R2Bucket
  /** The name under which the bucket is addressed. */
  readonly bucketName: string
  readonly credentials: CredentialIssuer
  readonly now: () => Date
  readonly requestId: string
  /** Told about every failure that nobody foresaw; the client learns only that there was one. */
  readonly report: (cause: unknown) => void
}

/**
 * The part of the S3 API that Iceberg's clients use, in front of an R2 binding and open only to R2 temporary
 * credentials, which it enforces: bucket, actions, prefixes, expiry. `rawPath` is the path as the client sent and
 * signed it, `/s3/<bucket>/<key>`. Every failure is an answer in S3's form; nothing is thrown.
 */
export async function serveS3(deps: S3Deps, request: Request, rawPath: string): Promise<Response> {
  const response = await answer(deps, request, rawPath).catch((thrown: unknown) => {
    const error = asS3Error(thrown)
    if (error.code === 'InternalError') deps.report(error.cause)
    return errorResponse(error, request.method, rawPath, deps.requestId)
  })
  response.headers.set('x-amz-request-id', deps.requestId)
  return response
}

async function answer(deps: S3Deps, request: Request, rawPath: string): Promise<Response> {
  const query = new Query(rawQueryOf(request.url))
  const signer = await authenticate(deps.credentials, request, rawPath, query, deps.now())
  const target = parseTarget(rawPath)
  const operation = findOperation(request, target, query)
  refuseUnknownFeatures(request.headers)
  const call: Call = { bucket: deps.bucket, request, query, target, signer }
  authorize(operation, call)
  if (target.bucket !== deps.bucketName) throw new S3Error('NoSuchBucket', 'The specified bucket does not exist.')
  return operation.run(call)
}

function authorize(operation: Operation, { target, query, signer: { rights } }: Call): void {
  requireAction(rights, target.bucket, operation.action)
  if (operation.opens === 'key' && !opensKey(rights, target.key)) throw accessDenied()
  if (operation.opens === 'prefix' && !opensListing(rights, query.get('prefix') ?? '')) throw accessDenied()
}
