import { readText } from './body.ts'
import { type Call, xmlResponse } from './call.ts'
import { opensKey } from './credential.ts'
import { accessDenied } from './errors.ts'
import { parseDelete } from './request-xml.ts'
import type { XmlNode } from './xml.ts'

const KEY_BYTES_MAX = 1024

/**
 * DeleteObjects. A key that may not be deleted gets its own error, but if none may be, the whole request is refused:
 * s3fs overlooks errors of single keys and would report success.
 */
export async function deleteObjects({ bucket, request, signer }: Call): Promise<Response> {
  const { quiet, objects } = parseDelete(await readText(request, signer))
  if (objects.every(({ key }) => !opensKey(signer.rights, key))) throw accessDenied()
  const verdicts = objects.map(({ key, versionId }) => ({ key, problem: problemWith(key, versionId) }))
  const deleted = verdicts.filter(({ problem }) => problem === null).map(({ key }) => key)
  if (deleted.length > 0) await bucket.delete(deleted)
  return xmlResponse([
    'DeleteResult',
    verdicts
      .filter(({ problem }) => problem !== null || !quiet)
      .map(({ key, problem }): XmlNode => (problem === null ? ['Deleted', [['Key', key]]] : errorFor(key, ...problem))),
  ])

  function problemWith(key: string, versionId: string | undefined): readonly [string, string] | null {
    if (!opensKey(signer.rights, key)) return ['AccessDenied', 'Access Denied']
    if (versionId !== undefined && versionId !== 'null') return ['NotImplemented', 'Versions are not implemented.']
    if (new TextEncoder().encode(key).length > KEY_BYTES_MAX)
      return ['KeyTooLongError', `The key is longer than ${KEY_BYTES_MAX} bytes.`]
    return null
  }
}

function errorFor(key: string, code: string, message: string): XmlNode {
  return [
    'Error',
    [
      ['Key', key],
      ['Code', code],
      ['Message', message],
    ],
  ]
}
