import type { PurgeJob, PurgeStore } from '#store/store'
import { joined, put, removal, type Put } from './documents.ts'
import { failure } from './failures.ts'
import { isStillNamed, type Folder } from './folders.ts'
import type { TenantLog } from './log.ts'
import { placesOf, type Places } from './places.ts'

/** What a commit that asks for a purge puts. */
export function purgePuts(places: Places, job: PurgeJob): Put[] {
  const key = purgeKey(job)
  return [
    put(places.purges, key, { state: 'pending', value: job }),
    put(places.purgeKeys, job.id, { state: 'on', value: key }),
    put(places.purged, job.objectId, { state: 'on', value: job.objectId }),
    ...job.locations.flatMap((location) => purgeFolder(places, job, location)),
  ]
}

export function purgeStore(log: TenantLog): PurgeStore {
  const places = placesOf(log.tenant)
  /** Does something about a purge that is pending; nothing if it is done, or was never asked for. */
  const change = async (id: string, putsOf: (job: PurgeJob) => Put[]): Promise<void> => {
    await log
      .act(async (snapshot) => {
        const key = await snapshot.value<string>(joined(places.purgeKeys, id))
        const [found] = key === null ? [] : await snapshot.puts([joined(places.purges, key)])
        if (!found?.value || found.state !== 'pending') return { answer: null }
        return { answer: null, write: { puts: putsOf(JSON.parse(found.value) as PurgeJob) } }
      })
      .catch(failure)
  }
  return {
    pending: async ({ limit, after }) =>
      log
        .look(async (snapshot) => {
          const key = after === undefined ? null : await snapshot.value<string>(joined(places.purgeKeys, after))
          const from = key === null ? {} : { after: key }
          const puts = await snapshot.first(limit, { group: places.purges, states: ['pending'], ...from })
          return puts.map(({ value }) => JSON.parse(value ?? '') as PurgeJob)
        })
        .catch(failure),
    save: async (id, cursor) =>
      change(id, (job) => [put(places.purges, purgeKey(job), { state: 'pending', value: { ...job, cursor } })]),
    done: async (id) =>
      change(id, (job) => [
        put(places.purges, purgeKey(job), { state: 'done', value: job }),
        ...job.locations.flatMap((location) => purgeFolder(places, job, location)).map((one) => removal(one)),
      ]),
    stillNamed: async (locations) =>
      log.look((snapshot) => isStillNamed({ snapshot, places }, locations)).catch(failure),
  }
}

/** Their order is the order of purges: the time has a fixed width. */
function purgeKey({ createdAt, id }: PurgeJob): string {
  return joined(createdAt, id)
}

function purgeFolder(places: Places, { id, objectId }: PurgeJob, location: string): Put[] {
  const value: Folder = { location, objectId }
  return [
    put(places.purgeFolders, joined(location, id), { state: 'pending', value }),
    put(places.purgeFoldersAt(location), id, { state: 'pending', value }),
  ]
}
