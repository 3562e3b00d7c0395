import { sweepAt } from '#store/idempotency'
import type { IdempotencyStore } from '#store/store'
import type { IdempotencyRecord } from '#versions/model'
import { joined, put, removal, valuesOf, type Put } from './documents.ts'
import type { TenantLog } from './log.ts'
import type { Places } from './places.ts'
import type { Snapshot } from './snapshot.ts'

/** Finishing a key and landing a commit that has it are steps of one log: whichever comes second sees the first. */
export function idempotencyStore(log: TenantLog): IdempotencyStore {
  return {
    finish: async (record) =>
      log.act(async (snapshot) => {
        const [stands, swept] = await Promise.all([answerOf(snapshot, record.key), sweep(snapshot, record.at, 1)])
        return { answer: stands, puts: stands ? swept : [...swept, ...answerPuts(snapshot.places, record)] }
      }),
  }
}

export async function answerOf(snapshot: Snapshot, key: string): Promise<IdempotencyRecord | null> {
  return snapshot.value<IdempotencyRecord>(snapshot.places.answers, key)
}

export function answerPuts(places: Places, { key, fingerprint, answer, at }: IdempotencyRecord): Put[] {
  const value: IdempotencyRecord = { key, fingerprint, answer, at }
  return [put(places.answers, key, value), put(places.answersByTime, joined(at, key), key)]
}

/** What makes the oldest of what has expired be gone: a few for each record that is added. */
export async function sweep(snapshot: Snapshot, at: string, added: number): Promise<Put[]> {
  if (added === 0) return []
  const { answers, answersByTime } = snapshot.places
  const { before, rows } = sweepAt(at, added)
  const expired = await snapshot.first(rows, { group: answersByTime, states: ['on'], to: before })
  return [
    ...expired.map(({ key }) => removal(answersByTime, key)),
    ...valuesOf<string>(expired).map((key) => removal(answers, key)),
  ]
}
