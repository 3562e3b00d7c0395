import type { TableState } from '#catalog/create-table'
import { vend, type VendedCredential } from '#catalog/vend'
import type { StorageAccess } from '#signers/signer'
import type { Entry } from '#versions/model'
import { jsonText } from '../respond.ts'
import type { CatalogContext } from '../route.ts'
import { etagHeader } from './etag.ts'

/**
 * LoadTableResult: the stored metadata is spliced in as text, and the credential stands both in `config` (some clients
 * read only that) and in `storage-credentials`.
 */
export function loadResult(state: TableState, credential: VendedCredential | null, etag: string | null): Response {
  const location =
    state.metadataLocation === null ? '' : `"metadata-location":${JSON.stringify(state.metadataLocation)},`
  const config = JSON.stringify(credential?.config ?? {})
  const credentials = JSON.stringify(credential ? [credential] : [])
  return jsonText(
    `{${location}"metadata":${state.metadata},"config":${config},"storage-credentials":${credentials}}`,
    etagHeader(etag),
  )
}

/**
 * A credential for these folders, or null if this deployment can't sign for the warehouse or the client said that it
 * wants no vended one.
 */
export async function credentialFor(
  context: CatalogContext<unknown>,
  locations: Entry['locations'],
  access: StorageAccess,
): Promise<VendedCredential | null> {
  const { vending, place, deps, headers } = context
  const wanted = headers.get('x-iceberg-access-delegation')
  if (!vending || (wanted !== null && !wanted.split(',').some((mode) => mode.trim() === 'vended-credentials')))
    return null
  return vend(vending, place, locations, access, deps.now())
}

/** What the caller's grants on the table make of his credential: a reader's can't write. */
export function accessOf(context: CatalogContext<unknown>, on: string): StorageAccess {
  return context.may(['update'], on) ? 'read-write' : 'read'
}
