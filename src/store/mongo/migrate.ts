import type { Db } from 'mongodb'
import { CatalogError } from '#domain/errors'
import { LOG, SCHEMA } from './documents.ts'
import { driverVerbs, failed } from './driver.ts'
import { databaseProblem, INDEXES, OUR_SCHEMA, schemaOf } from './schema.ts'
import { inserted } from './verbs.ts'

/**
 * Makes a database ready for this version: every index, then the document that says so. Nothing happens where all is
 * there already, and any number may do it at once. Indexes need a driver: the Data API has no verb for them.
 * @throws CatalogError `unprocessable` for a database of something else, or of a newer version; VerbFailure
 */
export async function migrateMongo(db: Db): Promise<void> {
  const verbs = driverVerbs(db)
  const found = await schemaOf(verbs)
  if (found && (found.product !== OUR_SCHEMA.product || found.version > OUR_SCHEMA.version))
    throw new CatalogError('unprocessable', databaseProblem(found) ?? '')
  if (!found) await refuseUsed(db)
  for (const { collection, fields, unique } of INDEXES)
    await db.collection(collection).createIndex(fields, { unique }).catch(failed)
  await inserted(verbs.insertOne(SCHEMA, OUR_SCHEMA))
}

/**
 * Which database it is, whatever its address, and whether anything is in it. It must have our schema. One that has no id
 * yet gets `newId`. @throws VerbFailure
 */
export async function mongoIdentity(db: Db, newId: string): Promise<{ id: string; isUsed: boolean }> {
  const verbs = driverVerbs(db)
  const identity = { _id: 'identity', id: newId }
  await inserted(verbs.insertOne(SCHEMA, identity))
  const found = await verbs.findOne<typeof identity>({ collection: SCHEMA, filter: { _id: identity._id } })
  const entry = await verbs.findOne({ collection: LOG, filter: {} })
  return { id: found?.id ?? newId, isUsed: entry !== null }
}

/** A migration that died, or another one that is under way, has left nothing but our own collections. */
async function refuseUsed(db: Db): Promise<void> {
  const ours = new Set([SCHEMA, ...INDEXES.map(({ collection }) => collection)])
  const listed = await db.listCollections({}, { nameOnly: true }).toArray().catch(failed)
  const other = listed.find(({ name }) => !ours.has(name) && !name.startsWith('system.'))
  if (other)
    throw new CatalogError(
      'unprocessable',
      `The database holds the collection '${other.name}' of something else; choose an empty one`,
    )
}
