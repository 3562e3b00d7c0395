import { AsyncLocalStorage } from 'node:async_hooks'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type TestCatalog } from '#test/support/catalog'
import { creating, setting, TRANSACTIONS, turn } from '#test/support/lake'
import { faultsOf, hangs, isLate, letDelayedHappen, type FaultyPorts } from './ports.ts'

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

/** Everything that was asked and answered, and what the faults could have left behind. */
export interface History {
  readonly catalog: TestCatalog
  readonly ports: FaultyPorts
  readonly requests: readonly Recorded[]
  /** Files whose deletion failed, or whose creation was answered with a failure and happened later: at most so many. */
  readonly filesLost: number
}

type Operation = 'read' | 'create' | 'append' | 'set' | 'transaction' | 'rename' | 'drop' | 'register'

interface Client {
  readonly random: Random
  send(
    request: { kind: Operation; tables: readonly string[]; marker?: string },
    method: string,
    path: string,
    body?: (id: string) => unknown,
  ): Promise<Answer>
}

const NAMES = ['t0', 't1', 't2']
const KINDS: readonly Operation[] = [
  ...(['read', 'create', 'rename', 'drop', 'register', 'register'] as const),
  ...(['append', 'append', 'append', 'set', 'set', 'set', 'transaction', 'transaction', 'transaction'] as const),
]
const TABLES = '/v1/demo/namespaces/ns/tables'
const CLIENTS = 4
const OPERATIONS = 8
/** Who makes the first tables and reads the last state, without any fault. */
const NOBODY = CLIENTS
const FAULTS_SETTLING = 0.3
const DELAYS_ENDING = 0.2
const EVICTIONS = 0.02
const FILES_PER_COMMIT = 2

/**
 * Runs one history: some clients, each with its own random operations one after the other, all at once. Every step draws
 * from its own numbers, so a seed decides about its operation, delays and faults, whatever the other steps do; the order
 * in which WebCrypto's threads answer is all that it does not decide.
 * @param faults the share of calls that fail
 */
export async function runHistory(seed: number, ports: FaultyPorts, faults: number): Promise<History> {
  const catalog = await openCatalog(ports)
  await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
  const requests: Recorded[] = []
  const files = new Set<string>()
  const happening: Promise<void>[] = []
  const askedBy = new AsyncLocalStorage<Random | null>()
  let clock = 0
  let filesLost = 0

  ports.judge = async (call) => {
    const random = askedBy.getStore()
    if (!random) return null
    for (let turns = random.below(4); turns > 0; turns -= 1) await turn()
    if (random.chance(EVICTIONS)) catalog.evict()
    // Not waited for: what was delayed may be a commit that queues behind this very call.
    if (random.chance(DELAYS_ENDING)) happening.push(letDelayedHappen(ports))
    if (!random.chance(call === 'store.settle' ? FAULTS_SETTLING : faults)) return null
    // A call that hangs ends as one whose answer is lost, only later.
    const fault = random.oneOf(faultsOf(call).filter((each) => !hangs(each)))
    if (call === 'objects.delete') filesLost += FILES_PER_COMMIT
    if (call === 'objects.create' && isLate(fault)) filesLost += 1
    return fault
  }

  function client(number: number, step: number): Client {
    const random = randomFrom((seed * (CLIENTS + 1) + number) * OPERATIONS + step)
    return {
      random,
      async send(request, method, path, body) {
        const id = request.kind === 'read' ? '' : `op-${number}-${step}`
        const begun = (clock += 1)
        const answer = await askedBy.run(number === NOBODY ? null : random, () =>
          catalog.call(catalog.admin, method, path, body?.(id), { 'x-client-version': id }),
        )
        const location: string | null = (answer.status < 300 && answer.json?.['metadata-location']) || null
        if (location) files.add(location)
        const marker = request.marker ?? (body && request.kind !== 'register' && request.kind !== 'rename' ? id : null)
        const told = toldBy(answer)
        const { kind, tables } = request
        const { status } = answer
        const ended = (clock += 1)
        requests.push({ client: number, id, kind, tables, marker, begun, ended, status, told, location })
        return answer
      },
    }
  }

  for (const [step, name] of NAMES.entries()) await create(client(NOBODY, step), name)
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, number) => {
      for (let step = 0; step < OPERATIONS; step += 1) await operate(client(number, step), files)
    }),
  )
  ports.judge = () => null
  await Promise.all(happening)
  await letDelayedHappen(ports)
  catalog.evict()
  for (const name of NAMES) await read(client(NOBODY, OPERATIONS), name)
  return { catalog, ports, requests, filesLost }
}

async function operate(client: Client, files: ReadonlySet<string>): Promise<void> {
  const { random } = client
  const [name, other] = random.two(NAMES)
  const kind = random.oneOf(KINDS)
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

function read(client: Client, name: string): Promise<Answer> {
  return client.send({ kind: 'read', tables: [name] }, 'GET', `${TABLES}/${name}`)
}

async function create(client: Client, name: string): Promise<void> {
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
function toldBy({ status, json }: Answer): Told {
  if (status < 300) return 'done'
  if (status === 503 || status === 404 || status === 409) return 'refused'
  if (status === 400 && /overlaps/.test(json?.error?.message ?? '')) return 'refused'
  return json?.error?.type === 'CommitStateUnknownException' ? 'unknown' : 'broken'
}

interface Random {
  /** A whole number from 0 up to `end`, without it. */
  below(end: number): number
  chance(probability: number): boolean
  oneOf<T>(choices: readonly T[]): T
  two(names: readonly string[]): [string, string]
}

/** A generator that a seed decides; xorshift over 32 bits. */
function randomFrom(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) || 1
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  for (let warm = 0; warm < 8; warm += 1) next()
  return {
    below: (end) => Math.floor(next() * end),
    chance: (probability) => next() < probability,
    oneOf<T>(choices: readonly T[]): T {
      return choices[Math.floor(next() * choices.length)] as T
    },
    two(names) {
      const first = Math.floor(next() * names.length)
      const second = (first + 1 + Math.floor(next() * (names.length - 1))) % names.length
      return [names[first] ?? '', names[second] ?? '']
    },
  }
}
