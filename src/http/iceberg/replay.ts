import type { TableState } from '#catalog/create-table'
import { readMetadataFile } from '#catalog/metadata-files'
import { mayBeOutdated, pointerOf, readLatest, stateOf } from '#catalog/row-metadata'
import { validateFile } from '#domain/location'
import type { StorageAccess } from '#signers/signer'
import { OPEN_SEQ, type Entry, type MetadataAnswer } from '#versions/model'
import type { CatalogContext, Repeat, RepeatedNow } from '../route.ts'
import { COMMIT_ANSWER, tableEtag } from './etag.ts'
import { accessOf, credentialFor, loadResult, pointed } from './load-result.ts'
import { viewResult } from './read-views.ts'

/** Tells LoadTableResult again, with a credential only for what the caller may open now. */
export const repeatLoad: Repeat = async (context, answer, now) => {
  const state = await stateThen(context, answer)
  const row = now.isAllowed ? rowOf(context, answer) : null
  const access = row && accessNow(context, [state, pointerOf(row)], answer, now)
  const { namespace, name = '' } = context.target('table')
  const table = { namespace, name }
  const credential = access && (await credentialFor(context, table, state.locations, access))
  const etag = await tableEtag(context, state, access ?? 'read', { credential: credential !== null })
  return loadResult(context, table, state, credential, etag)
}

/** Tells CommitTableResponse again. */
export const repeatCommit: Repeat = async (context, answer) => {
  const state = await stateThen(context, answer)
  return pointed(state, await tableEtag(context, state, accessOf(context, 'table'), COMMIT_ANSWER))
}

/** Tells the answer of `unregister` again, after which there is nothing to load and so no ETag. */
export const repeatUnregistered: Repeat = async (context, answer) => pointed(await stateThen(context, answer), null)

/** Tells LoadViewResult again. */
export const repeatView: Repeat = async (context, answer) => {
  const { metadataLocation, metadata } = await stateThen(context, answer)
  return viewResult({ metadataLocation: metadataLocation ?? '', metadata })
}

/** The metadata that was answered; if its file is gone or another one, what the object has come to, for who may read that. */
async function stateThen(context: CatalogContext<unknown>, answer: MetadataAnswer): Promise<TableState> {
  const { kind, objectId, metadataLocation, metadataSha256 } = answer
  const { branch, seq, warehouse } = context.place
  const row = rowOf(context, answer)
  try {
    const file = validateFile(metadataLocation, warehouse.storage, 'metadata location')
    const metadata = await readMetadataFile(context.deps, file, metadataSha256 ?? undefined)
    return { objectId, metadataLocation, metadataSha256, metadata, locations: row?.locations ?? [] }
  } catch (error) {
    if (!mayBeOutdated(error) || !row || !context.may(['read'], kind)) throw error
    const { namespace, name = '' } = context.target(kind)
    const place = { at: { branchId: branch.id, seq }, storage: warehouse.storage, identifier: { namespace, name } }
    return stateOf(await readLatest(context.deps, place, row))
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
  found: readonly Pick<TableState, 'metadataLocation' | 'metadataSha256'>[],
  answer: MetadataAnswer,
  { isYoung }: RepeatedNow,
): StorageAccess | null {
  const isAsMade = found.every(
    ({ metadataLocation, metadataSha256 }) =>
      metadataLocation === answer.metadataLocation && metadataSha256 === answer.metadataSha256,
  )
  if (isYoung && isAsMade && context.place.seq === OPEN_SEQ) return 'read-write'
  return context.may(['read'], 'table') ? accessOf(context, 'table') : null
}
