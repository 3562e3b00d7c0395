// Contract: work is done a few items at a time and answered in order; after a failure nothing goes on behind it.
// Source: DESIGN 6 (parallel fetches); STYLE, Errors.
import { expect, it } from 'vitest'
import { inParallel } from '#catalog/parallel'
import { PARALLEL_OBJECT_CALLS_MAX } from '#src/limits'

const turns = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n += 1) await Promise.resolve()
}
const items = Array.from({ length: 40 }, (_, n) => n)

it('never has more under way than it may, and keeps the order', async () => {
  let [now, most] = [0, 0]
  const doubled = await inParallel(items, async (n) => {
    now += 1
    most = Math.max(most, now)
    await turns((n * 7) % 5)
    now -= 1
    return n * 2
  })
  expect([most, doubled]).toEqual([PARALLEL_OBJECT_CALLS_MAX, items.map((n) => n * 2)])
  expect(await inParallel([], async () => 1)).toEqual([])
})

it('waits for what is under way when one fails, and begins nothing more', async () => {
  const [begun, ended]: [number[], number[]] = [[], []]
  const failing = inParallel(items, async (n) => {
    begun.push(n)
    await turns(n === 3 ? 1 : 20)
    if (n === 3) throw new Error('the third')
    ended.push(n)
  })
  await expect(failing).rejects.toThrow('the third')
  expect(begun).toEqual([0, 1, 2, 3, 4, 5])
  expect(ended).toEqual([0, 1, 2, 4, 5])
})
