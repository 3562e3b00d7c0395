import type { Db } from 'mongodb'
import { LOG, SCHEMA } from './documents.ts'
import { driverVerbs } from './driver.ts'
import { inserted, type Doc } from './verbs.ts'

/** Tells this database from all others, whatever their addresses. */
interface IdentityDocument extends Doc {
  readonly id: string
}

const IDENTITY_ID = 'identity'

/**
 * Which database it is, and whether anything is in it. It must have our schema. One that has no id yet gets `newId`.
 * @throws VerbFailure
 */
export async function mongoIdentity(db: Db, newId: string): Promise<{ id: string; isUsed: boolean }> {
  const verbs = driverVerbs(db)
  const document: IdentityDocument = { _id: IDENTITY_ID, id: newId }
  await inserted(verbs.insertOne(SCHEMA, document))
  const found = await verbs.findOne<IdentityDocument>({ collection: SCHEMA, filter: { _id: IDENTITY_ID } })
  const [entry] = await verbs.find({ collection: LOG, filter: {}, limit: 1 })
  return { id: found?.id ?? newId, isUsed: entry !== undefined }
}
