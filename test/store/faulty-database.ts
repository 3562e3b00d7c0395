/** What becomes of a batch: `execute` runs it on the real database. */
export type BatchFault = (execute: () => Promise<D1Result[]>) => Promise<D1Result[]>

/** A D1 whose batches meet a fault. */
export function faultyDatabase(real: D1Database, fault: BatchFault): D1Database {
  return new Proxy(real, {
    get(target, property) {
      if (property === 'batch') return (statements: D1PreparedStatement[]) => fault(() => target.batch(statements))
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
