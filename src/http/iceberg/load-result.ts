import type { TableState } from '#catalog/create-table'
import { vend, type VendedCredential } from '#catalog/vend'
import type { TableIdentifier } from '#domain/ident'
import type { StorageAccess } from '#signers/signer'
import { OPEN_SEQ, type Entry } from '#versions/model'
import { jsonText } from '../respond.ts'
import type { CatalogContext } from '../route.ts'
import { delegationFor, refreshConfig, signingConfig } from './delegation.ts'
import { etagHeader } from './etag.ts'
import { stagedTicket } from './staged.ts'

/** CommitTableResponse: the metadata and where it is, without credentials. */
export function pointed({ metadataLocation, metadata }: TableState, etag: string | null): Response {
  return jsonText(`{"metadata-location":${JSON.stringify(metadataLocation)},"metadata":${metadata}}`, etagHeader(etag))
}

/**
 * LoadTableResult: the stored metadata is spliced in as text, and the credential stands both in `config` (some clients
 * read only that) and in `storage-credentials`.
 */
export async function loadResult(
  context: CatalogContext<unknown>,
  table: TableIdentifier,
  state: TableState,
  credential: VendedCredential | null,
  etag: string | null,
): Promise<Response> {
  const location =
    state.metadataLocation === null ? '' : `"metadata-location":${JSON.stringify(state.metadataLocation)},`
  const config = JSON.stringify(credential?.config ?? (await signingFor(context, table, state)))
  const credentials = JSON.stringify(credential ? [credential] : [])
  return jsonText(
    `{${location}"metadata":${state.metadata},"config":${config},"storage-credentials":${credentials}}`,
    etagHeader(etag),
  )
}

/** The settings of a client that takes no credential but has its requests signed; none for others. */
async function signingFor(
  context: CatalogContext<unknown>,
  table: TableIdentifier,
  state: TableState,
): Promise<Readonly<Record<string, string>>> {
  const { vending, headers } = context
  if (!vending || delegationFor(headers) !== 'remote-signing') return {}
  const ticket = state.metadataLocation === null ? await stagedTicket(context, vending, table, state) : null
  return signingConfig(context, table, vending, ticket)
}

/** Whether the answer of a load holds a credential. */
export function takesCredential({ vending, headers }: CatalogContext<unknown>): boolean {
  return vending !== null && delegationFor(headers) === 'vended-credentials'
}

/**
 * A credential for these folders, or null if this deployment can't sign for the warehouse or the client said that it
 * wants no vended one.
 */
export async function credentialFor(
  context: CatalogContext<unknown>,
  table: TableIdentifier,
  locations: Entry['locations'],
  access: StorageAccess,
): Promise<VendedCredential | null> {
  const { vending, place, deps } = context
  if (!vending || !takesCredential(context)) return null
  const { prefix, config } = await vend(vending, place, locations, access, deps.now())
  return { prefix, config: { ...config, ...refreshConfig(context, table) } }
}

/** What the caller's grants on the table make of his credential: a reader's can't write, and nobody's can at a tag. */
export function accessOf(context: CatalogContext<unknown>, on: string): StorageAccess {
  return context.place.seq === OPEN_SEQ && context.may(['update'], on) ? 'read-write' : 'read'
}
