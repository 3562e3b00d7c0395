import { SIMPLE_SCHEMA, type Answer } from '#test/support/catalog'
import { creating, setting, TRANSACTIONS } from '#test/support/lake'
import type { Random } from './random.ts'

/** How a request ended, as its client may understand it. */
export type Told = 'done' | 'refused' | 'unknown' | 'broken'

/** One request of a history. `begun` and `ended` are positions on the one clock of all clients. */
export interface Recorded {
  readonly client: number
  /** The request's own id, which the catalog's audit keeps; empty for a read. */
  readonly id: string
  readonly kind: Operation
  readonly tables: readonly string[]
  /** What the commit leaves in the metadata of each of its tables: a property, or `snapshot <id>`. */
  readonly marker: string | null
  readonly begun: number
  readonly ended: number
  readonly status: number
  readonly told: Told
  /** The metadata location that was answered, if one was. */
  readonly location: string | null
}

export type Operation = 'read' | 'create' | 'append' | 'set' | 'transaction' | 'rename' | 'drop' | 'register'

/** Who asks: `send` records what was asked and answered under the request's own id, which it gives to `body`. */
export interface Client {
  readonly random: Random
  send(
    request: { kind: Operation; tables: readonly string[]; marker?: string },
    method: string,
    path: string,
    body?: (id: string) => unknown,
  ): Promise<Answer>
}

/** The tables of all histories, in namespace `ns`. */
export const NAMES = ['t0', 't1', 't2']
const KINDS: readonly Operation[] = [
  ...(['read', 'create', 'rename', 'drop', 'register', 'register'] as const),
  ...(['append', 'append', 'append', 'set', 'set', 'set', 'transaction', 'transaction', 'transaction'] as const),
]
/** Little but commits to one table, so that they queue up in its lane. */
const CROWDED_KINDS: readonly Operation[] = [
  ...(['read', 'drop', 'create', 'create', 'create', 'transaction', 'append', 'append', 'append'] as const),
  ...Array.from({ length: 12 }, () => 'set' as const),
]
const TABLES = '/v1/demo/namespaces/ns/tables'
/** One random operation; `files` are metadata files that were answered before. A crowd is after the same two tables. */
export async function operate(client: Client, files: ReadonlySet<string>, isCrowded = false): Promise<void> {
  const { random } = client
  const [name, other]: readonly [string, string] = isCrowded ? ['t0', 't1'] : random.two(NAMES)
  const kind = random.oneOf(isCrowded ? CROWDED_KINDS : KINDS)
  switch (kind) {
    case 'read':
      await read(client, name)
      return read(client, other).then(() => undefined)
    case 'append':
      return append(client, name)
    case 'create':
      return create(client, name)
    case 'set':
      await client.send({ kind, tables: [name] }, 'POST', `${TABLES}/${name}`, (id) => setting(name, id))
      return
    case 'transaction':
      await client.send({ kind, tables: [name, other] }, 'POST', TRANSACTIONS, (id) => ({
        'table-changes': [setting(name, id), random.chance(0.3) ? createdBy(id, other) : setting(other, id)],
      }))
      return
    case 'rename':
      await client.send({ kind, tables: [name, other] }, 'POST', '/v1/demo/tables/rename', () => ({
        source: { namespace: ['ns'], name },
        destination: { namespace: ['ns'], name: other },
      }))
      return
    case 'drop':
      await client.send({ kind, tables: [name] }, 'DELETE', `${TABLES}/${name}`)
      return
    case 'register': {
      const location = random.oneOf([...files, 's3://lake/none/metadata/1.metadata.json'])
      await client.send({ kind, tables: [name] }, 'POST', '/v1/demo/namespaces/ns/register', () => ({
        name,
        'metadata-location': location,
      }))
    }
  }
}

export function read(client: Client, name: string): Promise<Answer> {
  return client.send({ kind: 'read', tables: [name] }, 'GET', `${TABLES}/${name}`)
}

export async function create(client: Client, name: string): Promise<void> {
  await client.send({ kind: 'create', tables: [name] }, 'POST', TABLES, (id) => ({
    name,
    schema: SIMPLE_SCHEMA,
    properties: { [id]: 'x' },
  }))
}

/** What an engine does: it reads the table and commits a snapshot on top of what it found. */
async function append(client: Client, name: string): Promise<void> {
  const { status, json } = await read(client, name)
  if (status !== 200) return
  const { metadata } = json
  const parent: number | null = metadata.refs?.main?.['snapshot-id'] ?? null
  const snapshotId = 1 + client.random.below(2 ** 52)
  const snapshot = {
    'snapshot-id': snapshotId,
    ...(parent === null ? {} : { 'parent-snapshot-id': parent }),
    'sequence-number': metadata['last-sequence-number'] + 1,
    'timestamp-ms': Date.now(),
    'manifest-list': `${metadata.location}/metadata/snap-${snapshotId}.avro`,
    summary: { operation: 'append' },
    'schema-id': 0,
  }
  await client.send(
    { kind: 'append', tables: [name], marker: `snapshot ${snapshotId}` },
    'POST',
    `${TABLES}/${name}`,
    () => ({
      requirements: [
        { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
        { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': parent },
      ],
      updates: [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
      ],
    }),
  )
}

function createdBy(id: string, name: string): object {
  const commit = creating(name, `s3://lake/${id}`) as { updates: { action: string }[] }
  const updates = commit.updates.map((update) =>
    update.action === 'assign-uuid' ? { ...update, uuid: crypto.randomUUID() } : update,
  )
  return { ...commit, updates: [...updates, { action: 'set-properties', updates: { [id]: 'x' } }] }
}

/** A register of a table whose folder is taken is refused as a bad request; nothing else here is one. */
export function toldBy({ status, json }: Pick<Answer, 'status' | 'json'>): Told {
  if (status < 300) return 'done'
  if (status === 503 || status === 404 || status === 409) return 'refused'
  if (status === 400 && /overlaps/.test(json?.error?.message ?? '')) return 'refused'
  return json?.error?.type === 'CommitStateUnknownException' ? 'unknown' : 'broken'
}
