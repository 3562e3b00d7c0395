import type { SqlDatabase, SqlResult } from '#store/sql/database'
import { STORE_CALL_MS_MAX } from './limits.ts'
import { within } from './time-limits.ts'

/** What one request cost, counted at the bindings themselves. Round trips are calls that leave the Worker. */
export interface Cost {
  storeRoundTrips: number
  storeStatements: number
  rowsRead: number
  rowsWritten: number
  objectGets: number
  objectPuts: number
  objectDeletes: number
  durableObjectCalls: number
}

export function newCost(): Cost {
  return {
    storeRoundTrips: 0,
    storeStatements: 0,
    rowsRead: 0,
    rowsWritten: 0,
    objectGets: 0,
    objectPuts: 0,
    objectDeletes: 0,
    durableObjectCalls: 0,
  }
}

export function addCost(cost: Cost, more: Cost): void {
  for (const key of Object.keys(cost) as (keyof Cost)[]) cost[key] += more[key]
}

/** A D1 binding that counts into `cost`, gives up on calls after `STORE_CALL_MS_MAX` and is otherwise the same. */
export function meteredD1(db: D1Database, cost: Cost): D1Database {
  const originals = new WeakMap<D1PreparedStatement, D1PreparedStatement>()

  function count(results: readonly D1Result[]): void {
    cost.storeRoundTrips += 1
    cost.storeStatements += results.length
    for (const { meta } of results) {
      cost.rowsRead += meta.rows_read
      cost.rowsWritten += meta.rows_written
    }
  }

  async function counted<T>(result: Promise<T>, resultOf: (value: T) => readonly D1Result[]): Promise<T> {
    let value: T
    try {
      value = await answered(result)
    } catch (cause) {
      cost.storeRoundTrips += 1
      throw cause
    }
    count(resultOf(value))
    return value
  }

  function wrap(statement: D1PreparedStatement): D1PreparedStatement {
    const metered = new Proxy(statement, {
      get(target, property) {
        if (property === 'bind') return (...values: unknown[]) => wrap(target.bind(...values))
        if (property === 'all' || property === 'run')
          return async () => counted(target[property](), (result) => [result])
        if (property === 'raw')
          return async () => {
            cost.storeRoundTrips += 1
            cost.storeStatements += 1
            return answered(target.raw())
          }
        if (property === 'first')
          return async (column: string) => {
            cost.storeRoundTrips += 1
            cost.storeStatements += 1
            return answered(column === undefined ? target.first() : target.first(column))
          }
        return Reflect.get(target, property, target) as unknown
      },
    })
    originals.set(metered, statement)
    return metered
  }

  return new Proxy(db, {
    get(target, property) {
      if (property === 'prepare') return (sql: string) => wrap(target.prepare(sql))
      if (property === 'batch')
        return async (statements: D1PreparedStatement[]) =>
          counted(
            target.batch(statements.map((statement) => originals.get(statement) ?? statement)),
            (results) => results,
          )
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/**
 * A Postgres that counts into `cost`, gives up on calls after `STORE_CALL_MS_MAX` and is otherwise the same. It does not
 * tell how many rows it went through: rows read are those that it answered.
 */
export function meteredSql(db: SqlDatabase, cost: Cost): SqlDatabase {
  async function counted<Row>(call: Promise<readonly SqlResult<Row>[]>): Promise<readonly SqlResult<Row>[]> {
    cost.storeRoundTrips += 1
    const results = await answered(call)
    cost.storeStatements += results.length
    for (const { rows, changes } of results) {
      cost.rowsRead += rows.length
      cost.rowsWritten += changes
    }
    return results
  }
  return {
    ...db,
    read: <Row>(statements: Parameters<SqlDatabase['read']>[0]) => counted(db.read<Row>(statements)),
    write: <Row>(statements: Parameters<SqlDatabase['write']>[0]) => counted(db.write<Row>(statements)),
  }
}

/** Which counter an operation of an R2 binding moves. Class A operations write, class B read. */
const R2_COUNTERS: Readonly<Record<string, keyof Cost>> = {
  get: 'objectGets',
  head: 'objectGets',
  list: 'objectGets',
  put: 'objectPuts',
  createMultipartUpload: 'objectPuts',
  resumeMultipartUpload: 'objectPuts',
  delete: 'objectDeletes',
}

/** An R2 binding that counts into `cost` and is otherwise the same. */
export function meteredR2(bucket: R2Bucket, cost: Cost): R2Bucket {
  return new Proxy(bucket, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      const counter = typeof property === 'string' ? R2_COUNTERS[property] : undefined
      return (...args: unknown[]): unknown => {
        if (counter) cost[counter] += 1
        return Reflect.apply(value, target, args)
      }
    },
  })
}

function answered<T>(call: Promise<T>): Promise<T> {
  return within(STORE_CALL_MS_MAX, 'The catalog database', call)
}
