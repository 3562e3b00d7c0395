import type { TableState } from '#catalog/create-table'
import { readMetadataFile } from '#catalog/metadata-files'
import { CatalogError } from '#domain/errors'
import { validateFile } from '#domain/location'
import type { StorageAccess } from '#signers/signer'
import type { Entry, MetadataAnswer } from '#versions/model'
import type { CatalogContext, Repeat, RepeatedNow } from '../route.ts'
import { tableEtag } from './etag.ts'
import { accessOf, credentialFor, loadResult, pointed } from './load-result.ts'
import { viewResult } from './read-views.ts'

/** Tells LoadTableResult again, with a credential only for what the caller may open now. */
export const repeatLoad: Repeat = async (context, answer, now) => {
  const state = await stateThen(context, answer)
  const row = now.isAllowed ? rowOf(context, answer) : null
  const access = row && accessNow(context, row, answer, now)
  const { namespace, name = '' } = context.target('table')
  const table = { namespace, name }
  const credential = access && (await credentialFor(context, table, state.locations, access))
  const etag = await tableEtag(context, state, access ?? 'read', { credential: credential !== null })
  return loadResult(context, table, state, credential, etag)
}

/** Tells CommitTableResponse again. */
export const repeatCommit: Repeat = async (context, answer) => {
  const state = await stateThen(context, answer)
  return pointed(state, await tableEtag(context, state, accessOf(context, 'table'), { credential: false }))
}

/** Tells the answer of `unregister` again, after which there is nothing to load and so no ETag. */
export const repeatUnregistered: Repeat = async (context, answer) => pointed(await stateThen(context, answer), null)

/** Tells LoadViewResult again. */
export const repeatView: Repeat = async (context, answer) => {
  const { metadataLocation, metadata } = await stateThen(context, answer)
  return viewResult({ metadataLocation: metadataLocation ?? '', metadata })
}

/** The metadata that was answered; if its file is gone, what the object has come to, for who may read that. */
async function stateThen(context: CatalogContext<unknown>, answer: MetadataAnswer): Promise<TableState> {
  const { objectId } = answer
  const row = rowOf(context, answer)
  const read = async (metadataLocation: string | null, sha256?: string): Promise<TableState> => {
    const file = validateFile(metadataLocation, context.place.warehouse.storage, 'metadata location')
    const metadata = await readMetadataFile(context.deps, file, sha256)
    return { objectId, metadataLocation, metadata, locations: row?.locations ?? [] }
  }
  try {
    return await read(answer.metadataLocation, answer.metadataSha256 ?? undefined)
  } catch (error) {
    const isGone = error instanceof CatalogError && error.kind === 'file-not-found'
    if (!isGone || !row || !context.may(['read'], answer.kind)) throw error
    return read(row.metadataLocation, row.summary.metadataSha256)
  }
}

/** The row under the request's name, if it still is the object that was answered. */
function rowOf(context: CatalogContext<unknown>, answer: MetadataAnswer): Entry | null {
  const row = context.entry(answer.kind)
  return row?.objectId === answer.objectId ? row : null
}

/** Whoever has just made a table may write it as he made it. Later, or once it was changed, his grants say what he may. */
function accessNow(
  context: CatalogContext<unknown>,
  row: Entry,
  answer: MetadataAnswer,
  { isYoung }: RepeatedNow,
): StorageAccess | null {
  if (isYoung && row.metadataLocation === answer.metadataLocation) return 'read-write'
  return context.may(['read'], 'table') ? accessOf(context, 'table') : null
}
