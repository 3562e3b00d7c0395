import { PARALLEL_OBJECT_CALLS_MAX } from '#src/limits'

/**
 * Runs `work` on every item, a few at a time, and answers in the items' order. Once one has failed none is begun, and
 * those under way are waited for: when this is over, nothing goes on behind it.
 * @throws the first error of the items that were begun
 */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const failures: unknown[] = []
  let next = 0
  const run = async (): Promise<void> => {
    for (let item = items[next]; item !== undefined && failures.length === 0; item = items[next]) {
      const index = next
      next += 1
      try {
        results[index] = await work(item)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL_OBJECT_CALLS_MAX, items.length) }, run))
  if (failures.length > 0) throw failures[0]
  return results
}
