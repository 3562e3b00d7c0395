// Contract: what a transaction reads never fills an isolate: large files come one by one, and too much of them is refused
// before the rest is read.
// Source: DESIGN 6 (an isolate has 128 MB, parsing costs 5–10 times the text); limits.ts.
import { beforeEach, expect, it } from 'vitest'
import { NO_CACHE } from '#catalog/metadata-files'
import { inParallel } from '#catalog/parallel'
import { baseReader } from '#catalog/transaction-bases'
import { METADATA_BYTES_MAX, TRANSACTION_METADATA_CHARS_MAX, TRANSACTION_PARALLEL_BYTES_MAX } from '#src/limits'
import type { ObjectStore } from '#objects/objects'
import { openCatalog } from '#test/support/catalog'
import { turn } from '#test/support/lake'
import { memoryObjects } from '#test/support/objects'
import { OPEN_SEQ, type Entry } from '#versions/model'

const STORAGE = { kind: 'r2', bucket: 'lake', prefix: '' } as const
const LARGE = 15 * 1024 * 1024
const files = memoryObjects()
/** Whole files that were read, and the most bytes of them that were on their way at a time. */
let counts: { read: number; now: number; most: number }

const objects: ObjectStore = {
  ...files,
  async read(location, bytesMax) {
    const bytes = await files.read(location, bytesMax)
    const length = bytes?.length ?? 0
    counts.read += 1
    counts.now += length
    counts.most = Math.max(counts.most, counts.now)
    await turn()
    counts.now -= length
    return bytes
  },
}

beforeEach(() => {
  files.files.clear()
  counts = { read: 0, now: 0, most: 0 }
})

/** Files of so many bytes and the rows that name them. */
function entriesOf(sizes: readonly number[]): Entry[] {
  return sizes.map((size, n) => {
    const metadataLocation = `s3://lake/t${n}/metadata/00000-a.metadata.json`
    files.files.set(metadataLocation, new Uint8Array(size).fill(32))
    return {
      class: 'asset',
      namespace: 'ns',
      name: `t${n}`,
      branchId: 'b',
      rev: 'r',
      fromSeq: 1,
      toSeq: OPEN_SEQ,
      objectId: `o${n}`,
      kind: 'table',
      metadataLocation,
      locations: [],
      properties: {},
      summary: {},
    }
  })
}

async function lengths(entries: readonly Entry[]): Promise<number[]> {
  const { store, tenantId } = await openCatalog()
  const deps = { tenant: store.tenant(tenantId), objects, metadataCache: NO_CACHE }
  const read = baseReader(deps, { branchId: 'b', storage: STORAGE })
  const bases = await inParallel(entries, (entry) => read({ namespace: ['ns'], name: entry.name }, entry))
  return bases.map(({ text }) => text.length)
}

it('small files are read side by side', async () => {
  const sizes = [1, 2, 3, 4].map((n) => n * 1000)
  expect(await lengths(entriesOf(sizes))).toEqual(sizes)
  expect([counts.read, counts.most]).toEqual([4, 10_000])
})

it('large ones are read one at a time', async () => {
  const large = TRANSACTION_PARALLEL_BYTES_MAX + 1
  const sizes = [large, 10, large, large, 20, large]
  expect(await lengths(entriesOf(sizes))).toEqual(sizes)
  expect(counts.read).toBe(sizes.length)
  expect(counts.most).toBeLessThan(large + 31)
})

it('nothing is read after what is too much', async () => {
  const enough = Math.ceil((TRANSACTION_METADATA_CHARS_MAX + 1) / LARGE)
  await expect(lengths(entriesOf(Array.from({ length: enough + 4 }, () => LARGE)))).rejects.toMatchObject({
    kind: 'too-large',
  })
  expect(counts).toMatchObject({ read: enough, most: LARGE })
})

it('one that is larger than any metadata may be is refused', async () => {
  await expect(lengths(entriesOf([METADATA_BYTES_MAX + 1]))).rejects.toMatchObject({ kind: 'too-large' })
})
