import { causesOf } from '#domain/errors'
import { STORE_CALL_MS_MAX } from '#src/limits'
import { codeInText, failureOfCode, neverSent, REFUSES_CREDENTIALS, unlessTriedAgain, UNREACHABLE } from './failures.ts'
import { inserted, VerbFailure, type Doc, type Fields, type MongoVerbs, type Query } from './verbs.ts'

/** How an endpoint knows who asks. */
export type Credentials =
  | { readonly kind: 'api-key'; readonly key: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }

/** Where an endpoint that speaks the Data API is: verbs are posted to `<url>/action/<verb>`. */
export interface Endpoint {
  readonly url: string
  readonly credentials: Credentials
  /** The cluster's name as the endpoint knows it; some endpoints ignore it. */
  readonly dataSource: string
  readonly database: string
}

/**
 * The verbs over HTTP, as the Atlas Data API had them and compatible servers and gateways still do.
 *
 * How a duplicate looks there is specified nowhere, and one server answers 200 to it. So a document is inserted by an
 * upsert that sets nothing where it finds one, whose answer says which it was; and of many that are inserted at once
 * it is looked whether they are there.
 * @param metered what counts them: it is given verbs of one request each
 */
export function httpVerbs(endpoint: Endpoint, metered = (verbs: MongoVerbs): MongoVerbs => verbs): MongoVerbs {
  const requests = metered(requestVerbs(endpoint))
  return {
    ...requests,
    insertMany: async (collection, documents) => {
      await inserted(requests.insertMany(collection, documents))
      const wanted = new Map(documents.map((document) => [document._id, (document as Doc & Fields)['n']]))
      const filter = { _id: { $in: [...wanted.keys()] } }
      const found = await requests.find<Doc & Fields>({ collection, filter, projection: { n: 1 } })
      const there = found.filter(({ _id, n }) => wanted.get(_id) === n)
      if (there.length < documents.length) throw failureOfCode(DUPLICATE, undefined)
    },
  }
}

/** Each verb is one request, and does what the endpoint makes of it. */
function requestVerbs(endpoint: Endpoint): MongoVerbs {
  const call = async <T>(verb: string, body: object): Promise<T> => callVerb(endpoint, verb, body) as Promise<T>
  return {
    findOne: async (query) => (await call<{ document: never }>('findOne', query)).document,
    find: async <T extends Doc>(query: Query) => (await call<{ documents: T[] }>('find', query)).documents,
    insertOne: async (collection, document) => {
      const { _id, ...fields } = document as Doc & Fields
      const body = { collection, filter: { _id }, update: { $setOnInsert: fields }, upsert: true }
      const { matchedCount, upsertedId } = await call<{ matchedCount: number; upsertedId?: unknown }>('updateOne', body)
      if (matchedCount > 0) throw failureOfCode(DUPLICATE, undefined)
      if (upsertedId === undefined)
        throw new VerbFailure('unknown', 'The endpoint does not say whether it has inserted')
    },
    insertMany: async (collection, documents) => void (await call('insertMany', { collection, documents })),
    updateOne: async (update) => (await call<{ matchedCount: number }>('updateOne', update)).matchedCount,
    deleteMany: async (collection, filter) => void (await call('deleteMany', { collection, filter })),
    aggregate: async <T extends Doc>(collection: string, pipeline: readonly Fields[]) =>
      (await call<{ documents: T[] }>('aggregate', { collection, pipeline })).documents,
  }
}

const DUPLICATE = 11000

async function callVerb(endpoint: Endpoint, verb: string, body: object): Promise<unknown> {
  const { url, credentials, dataSource, database } = endpoint
  const lost = (error: unknown): never => {
    throw isNeverSent(error) ? neverSent(error) : new VerbFailure('unknown', UNREACHABLE, error)
  }
  const { status, text } = await fetch(`${url}/action/${verb}`, {
    method: 'POST',
    headers: { ...headersOf(credentials), 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ dataSource, database, ...body }),
    signal: AbortSignal.timeout(STORE_CALL_MS_MAX),
  })
    .then(async (response) => ({ status: response.status, text: await response.text() }))
    .catch(lost)
  if (status < 300) return answerOf(text)
  const cause = new Error(`${verb} answered ${status}: ${text.slice(0, 500)}`)
  const code = codeInText(text)
  if (code !== undefined)
    throw isWrite(verb) ? unlessTriedAgain(failureOfCode(code, cause)) : failureOfCode(code, cause)
  if (status === 401 || status === 403) throw new VerbFailure('unavailable', REFUSES_CREDENTIALS, cause)
  if (status === 429)
    throw new VerbFailure('not-done', 'The endpoint of the catalog database has too much to do', cause)
  if (status === 404) throw new VerbFailure('unavailable', NOT_THERE, cause)
  if (status === 400 && !isWrite(verb))
    throw new VerbFailure('mistake', `The endpoint of the catalog database does not take the verb ${verb}`, cause)
  throw failureOfCode(undefined, cause)
}

function isWrite(verb: string): boolean {
  return /^(insert|update|delete)/.test(verb)
}

const NOT_THERE = 'The endpoint of the catalog database is not at its address; see MONGO_DATA_API_URL'

/** Codes of Node's after which it is certain that nothing was sent; a Worker's `fetch` has none. */
const CONNECTING = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT|.*CERT.*|.*SIGNATURE)$/

function isNeverSent(error: unknown): boolean {
  return [...causesOf(error)].some((at) => 'code' in at && CONNECTING.test(String(at.code)))
}

function headersOf(credentials: Credentials): Record<string, string> {
  if (credentials.kind === 'api-key') return { apiKey: credentials.key }
  if (credentials.kind === 'bearer') return { authorization: `Bearer ${credentials.token}` }
  const bytes = new TextEncoder().encode(`${credentials.username}:${credentials.password}`)
  return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` }
}

/** Some servers write numbers as `{"$numberInt": "1"}`, whatever was asked for. */
function answerOf(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) => numberOf(value) ?? value)
  } catch (error) {
    throw new VerbFailure('unknown', 'The endpoint of the catalog database did not answer with JSON', error)
  }
}

function numberOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const [only, ...more] = Object.entries(value)
  if (!only || more.length > 0 || typeof only[1] !== 'string') return undefined
  return /^\$number(Int|Long|Double)$/.test(only[0]) ? Number(only[1]) : undefined
}
