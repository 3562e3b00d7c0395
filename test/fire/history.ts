import { AsyncLocalStorage } from 'node:async_hooks'
import { COMMIT_RETRIES_MAX } from '#src/limits'
import { openCatalog, type TestCatalog } from '#test/support/catalog'
import { turn } from '#test/support/lake'
import { create, NAMES, operate, read, toldBy, type Client, type Recorded } from './operations.ts'
import { faultsOf, hangs, isLate, letDelayedHappen, type FaultyPorts } from './ports.ts'
import { randomFrom, type Random } from './random.ts'

/** Everything that was asked and answered, and what the faults could have left behind. */
export interface History {
  readonly catalog: Pick<TestCatalog, 'tenantId' | 'admin' | 'call'>
  readonly ports: Pick<FaultyPorts, 'real' | 'files'>
  readonly requests: readonly Recorded[]
  /** Files whose deletion failed, or whose creation was answered with a failure and happened later: at most so many. */
  readonly filesLost: number
}

const CLIENTS = 4
const OPERATIONS = 8
/** In every so many-th history twice the clients do little but commit to one table, so that they queue up in its lane. */
const CROWDED_EVERY = 4
const CROWD = 2 * CLIENTS
/** Who makes the first tables and reads the last state, without any fault. */
const NOBODY = CROWD
/** It is asked `SETTLE_TRIES_MAX` times, and in some histories nobody answers. */
const FAULTS_SETTLING = 0.95
const DELAYS_ENDING = 0.2
const EVICTIONS = 0.02
/** What a transaction of two tables has written when it ends, having lost as often as it may. */
const FILES_PER_CHANGE = 2 * COMMIT_RETRIES_MAX

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
  const isCrowded = seed % CROWDED_EVERY === 0
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
    if (call === 'objects.delete') filesLost += FILES_PER_CHANGE
    if (call === 'objects.create' && isLate(fault)) filesLost += 1
    return fault
  }

  function client(number: number, step: number): Client {
    const random = randomFrom((seed * (NOBODY + 1) + number) * OPERATIONS + step)
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
    Array.from({ length: isCrowded ? CROWD : CLIENTS }, async (_, number) => {
      for (let step = 0; step < OPERATIONS; step += 1) await operate(client(number, step), files, isCrowded)
    }),
  )
  ports.judge = () => null
  await Promise.all(happening)
  await letDelayedHappen(ports)
  catalog.evict()
  for (const name of NAMES) await read(client(NOBODY, OPERATIONS), name)
  return { catalog, ports, requests, filesLost }
}
