import type { Db } from 'mongodb'
import { CatalogError } from '#domain/errors'
import { SCHEMA } from './documents.ts'
import { driverVerbs, failed } from './driver.ts'
import { INDEXES, indexName } from './indexes.ts'
import { PRODUCT, SCHEMA_ID, SCHEMA_VERSION, databaseProblem, type SchemaDocument } from './schema.ts'
import { inserted } from './verbs.ts'

/**
 * Makes a database ready for this version: every index, then the document that says so. Nothing happens where all is
 * there already, and any number may do it at once. Indexes need a driver: the Data API has no verb for them.
 * @throws CatalogError `unprocessable` for a database of something else, or of a newer version; VerbFailure
 */
export async function migrateMongo(db: Db): Promise<void> {
  const verbs = driverVerbs(db)
  const found = await verbs.findOne<SchemaDocument>({ collection: SCHEMA, filter: { _id: SCHEMA_ID } })
  if (found && (found.product !== PRODUCT || found.version > SCHEMA_VERSION))
    throw new CatalogError('unprocessable', databaseProblem(found) ?? '')
  if (!found) await refuseUsed(db)
  for (const index of INDEXES) {
    const { collection, fields, unique } = index
    await db
      .collection(collection)
      .createIndex(fields, { name: indexName(index), unique })
      .catch(failed)
  }
  const schema: SchemaDocument = { _id: SCHEMA_ID, product: PRODUCT, version: SCHEMA_VERSION }
  await inserted(verbs.insertOne(SCHEMA, schema))
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
