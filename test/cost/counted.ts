/**
 * What left the Worker, counted on the prototypes of the bindings themselves: every store, bucket and namespace made
 * from them is seen, in the Worker and inside its Durable Objects alike, which share the test's isolate.
 */
export interface Count {
  readonly store: number
  /** Of the calls to the store, those that came back as an error: a lost race is one. */
  readonly storeFailures: number
  readonly statements: number
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly gets: number
  readonly puts: number
  readonly deletes: number
  readonly durableObjects: number
  readonly fetches: number
}

type Method = (...args: unknown[]) => unknown
type Counter = { -readonly [K in keyof Count]: Count[K] }

const R2_OPERATIONS: Readonly<Record<string, keyof Count>> = {
  get: 'gets',
  head: 'gets',
  list: 'gets',
  put: 'puts',
  createMultipartUpload: 'puts',
  resumeMultipartUpload: 'puts',
  delete: 'deletes',
}

/** What `step` and everything it waited for cost. One at a time: there is one set of prototypes. */
export async function counted<T>(env: Cloudflare.Env, step: () => Promise<T>): Promise<{ value: T; count: Count }> {
  const count: Counter = {
    store: 0,
    storeFailures: 0,
    statements: 0,
    rowsRead: 0,
    rowsWritten: 0,
    gets: 0,
    puts: 0,
    deletes: 0,
    durableObjects: 0,
    fetches: 0,
  }
  const undo = [...countD1(env.DB, count), ...countR2(env.LAKE, count), countNamespace(env.TABLE_LANE, count)]
  undo.push(replace(globalThis, 'fetch', (fetch) => counting(count, 'fetches', fetch)))
  try {
    return { value: await step(), count }
  } finally {
    for (const each of undo.toReversed()) each()
  }
}

/** A session has two ways to the database, a protocol each; whatever the public methods do goes through one of them. */
function countD1(db: D1Database, count: Counter): (() => void)[] {
  const session = prototypeOf(db.withSession())
  return ['_send', '_queryOrThrow'].map((name) =>
    replace(
      session,
      name,
      (send) =>
        async function (this: unknown, ...args) {
          count.store += 1
          const answer = await Promise.resolve(Reflect.apply(send, this, args)).catch((error: unknown) => {
            count.storeFailures += 1
            throw error
          })
          for (const { success, meta } of [answer as WireResult | WireResult[]].flat()) {
            if (success === false) count.storeFailures += 1
            count.statements += 1
            count.rowsRead += meta?.rows_read ?? 0
            count.rowsWritten += meta?.rows_written ?? 0
          }
          return answer
        },
    ),
  )
}

interface WireResult {
  readonly success?: boolean
  readonly meta?: { readonly rows_read?: number; readonly rows_written?: number }
}

function countR2(bucket: R2Bucket, count: Counter): (() => void)[] {
  const prototype = prototypeOf(bucket)
  return Object.entries(R2_OPERATIONS).map(([name, key]) =>
    replace(prototype, name, (operation) => counting(count, key, operation)),
  )
}

/** A stub answers to any name, so it is its methods that are counted, whatever they are called. */
function countNamespace(namespace: object, count: Counter): () => void {
  return replace(
    prototypeOf(namespace),
    'getByName',
    (getByName) =>
      function (this: unknown, ...args) {
        return new Proxy(Reflect.apply(getByName, this, args) as object, {
          get(stub, property) {
            const method: unknown = Reflect.get(stub, property, stub)
            return typeof method === 'function'
              ? counting(count, 'durableObjects', (...each) => Reflect.apply(method, stub, each))
              : method
          },
        })
      },
  )
}

function counting(count: Counter, key: keyof Count, method: Method): Method {
  return function (this: unknown, ...args) {
    count[key] += 1
    return Reflect.apply(method, this, args)
  }
}

/** What all bindings of one kind have their methods from. */
export function prototypeOf(value: object): object {
  return Object.getPrototypeOf(value) as object
}

/** Puts another method in the place of one, which must be there; the function returned puts it back. */
export function replace(owner: object, name: string, by: (method: Method) => Method): () => void {
  const method: unknown = Reflect.get(owner, name)
  if (typeof method !== 'function') throw new Error(`nothing to count: the runtime's binding has no '${name}'`)
  Reflect.set(owner, name, by(method as Method))
  return () => void Reflect.set(owner, name, method)
}
