import { textSha256 } from '#catalog/metadata-files'
import type { TenantStore } from '#store/store'
import type { Change, EntryValue } from '#versions/model'
import type { Answer, Sent } from './worker.ts'

export const SCHEMA = {
  type: 'struct',
  fields: [
    { id: 1, name: 'id', type: 'long', required: true },
    { id: 2, name: 'at', type: 'timestamptz', required: false },
    { id: 3, name: 'note', type: 'string', required: false },
  ],
}

/** A catalog to seed: its Worker, its store from beside it, and its bucket. */
export interface Lake {
  readonly tenant: TenantStore
  /** Serves a request as the administrator. */
  call(sent: Sent): Promise<Answer>
  put(key: string, text: string): Promise<unknown>
}

/** The body of a commit that always changes something: `n` makes it differ from the one before. */
export function propertyCommit(n: number): object {
  return { requirements: [], updates: [{ action: 'set-properties', updates: { touched: String(n) } }] }
}

/** Rows of one seeded commit: the store takes 500 keys at a time. */
const CHUNK = 500

/**
 * Makes `count` tables `t0000`, `t0001` … in `namespace` by writing to the store, so that no isolate has seen their
 * metadata. Each has folders, and a metadata file of its own in them, if `withFiles`.
 */
export async function seedTables(lake: Lake, namespace: string, count: number, withFiles: boolean): Promise<void> {
  await lake.call(['POST', '/v1/demo/namespaces', { namespace: [namespace] }])
  const template = JSON.parse(
    (
      await lake.call([
        'POST',
        `/v1/demo/namespaces/${namespace}/tables`,
        { name: 'x', schema: SCHEMA, 'stage-create': true },
      ])
    ).text,
  ) as { metadata: Record<string, unknown> }
  const numbers = Array.from({ length: count }, (_, number) => number)
  for (let from = 0; from < count; from += CHUNK) {
    const values: [name: string, next: EntryValue][] = []
    for (const number of numbers.slice(from, from + CHUNK)) {
      const [name, row] = seeded(namespace, number, withFiles)
      const { metadataLocation, objectId } = row
      const location = (metadataLocation ?? '').replace(/\/metadata\/.*/, '')
      const text = JSON.stringify({ ...template.metadata, location, 'table-uuid': objectId })
      values.push([name, { ...row, summary: { metadataSha256: await textSha256(text) } }])
      if (withFiles) await lake.put((metadataLocation ?? '').slice('s3://lake/'.length), text)
    }
    await commitChanges(
      lake.tenant,
      values.map(([name, next]) => ({ key: { class: 'asset', namespace, name }, expect: null, next })),
    )
  }
}

function seeded(namespace: string, number: number, withFiles: boolean): [name: string, EntryValue] {
  const name = `t${String(number).padStart(4, '0')}`
  const location = `s3://lake/seeded/${namespace}/${name}/`
  return [
    name,
    {
      objectId: crypto.randomUUID(),
      kind: 'table',
      metadataLocation: `${location}metadata/00000-seeded.metadata.json`,
      locations: withFiles ? [location] : [],
      properties: {},
      summary: {},
    },
  ]
}

async function commitChanges(tenant: TenantStore, changes: readonly Change[]): Promise<void> {
  const place = (await tenant.read({ at: { catalog: 'demo', ref: 'main' } })).place
  const outcome = await tenant.commit({
    branchId: place?.branch.id ?? '',
    at: new Date().toISOString(),
    members: [
      {
        id: crypto.randomUUID(),
        idempotency: null,
        log: { kind: 'create', author: 'seed', message: 'seed' },
        audit: {
          principalId: 'seed',
          principalName: 'seed',
          client: null,
          requestId: 'seed',
          address: null,
          action: 'seed',
          target: 'seed',
          targetId: null,
          message: 'seed',
          result: 'success',
        },
      },
    ],
    changes,
    checks: [],
    purges: [],
  })
  if (outcome.outcome !== 'committed') throw new Error(`seeding failed: ${outcome.outcome}`)
}
