import { sweepAt } from '#store/idempotency'
import type { IdempotencyStore } from '#store/store'
import type { IdempotencyRecord } from '#versions/model'
import { joined, put, removal, type Put } from './documents.ts'
import { failure } from './failures.ts'
import type { TenantLog } from './log.ts'
import { placesOf, type Places } from './places.ts'
import type { Reader } from './rows.ts'

/** Finishing a key and landing a commit that has it are steps of one log: whichever comes second sees the first. */
export function idempotencyStore(log: TenantLog): IdempotencyStore {
  const places = placesOf(log.tenant)
  return {
    finish: async (record) =>
      log
        .act(async (snapshot) => {
          const reader = { snapshot, places }
          const [stands, swept] = await Promise.all([answerOf(reader, record.key), sweep(reader, record.at, 1)])
          const puts = stands ? swept : [...swept, ...answerPuts(places, record)]
          return { answer: stands, ...(puts.length > 0 ? { write: { puts } } : {}) }
        })
        .catch(failure),
  }
}

export async function answerOf({ snapshot, places }: Reader, key: string): Promise<IdempotencyRecord | null> {
  return snapshot.value<IdempotencyRecord>(joined(places.answers, key))
}

export function answerPuts(places: Places, { key, fingerprint, answer, at }: IdempotencyRecord): Put[] {
  const value: IdempotencyRecord = { key, fingerprint, answer, at }
  return [
    put(places.answers, key, { state: 'on', value }),
    put(places.answersByTime, joined(at, key), { state: 'on', value: key }),
  ]
}

/** What makes the oldest of what has expired be gone: a few for each record that is added. */
export async function sweep({ snapshot, places }: Reader, at: string, added: number): Promise<Put[]> {
  if (added === 0) return []
  const { before, rows } = sweepAt(at, added)
  const expired = await snapshot.first(rows, { group: places.answersByTime, states: ['on'], to: before })
  return expired.flatMap((byTime) => {
    const key = JSON.parse(byTime.value ?? '') as string
    return [removal(byTime), removal({ id: joined(places.answers, key), group: places.answers, key })]
  })
}
