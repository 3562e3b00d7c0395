import type { Authenticated } from './authenticate.ts'
import { type XmlNode, S3_NAMESPACE, xmlDocument } from './xml.ts'
import type { Query, Target } from './uri.ts'

/** One authenticated request, as the operations see it. */
export interface Call {
  readonly bucket: R2Bucket
  readonly request: Request
  readonly query: Query
  readonly target: Target
  readonly signer: Authenticated
}

export function xmlResponse(root: XmlNode): Response {
  return new Response(xmlDocument(root, S3_NAMESPACE), { headers: { 'content-type': 'application/xml' } })
}
