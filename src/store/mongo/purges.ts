import type { PurgeJob, PurgeStore } from '#store/store'
import { foldersOf } from '#versions/folders'
import { joined, put, removal, valuesOf, type Put } from './documents.ts'
import { putsOfFolders, isStillNamed } from './folders.ts'
import type { TenantLog } from './log.ts'
import type { Places } from './places.ts'

/** What a commit that asks for a purge puts. */
export function purgePuts(places: Places, job: PurgeJob): Put[] {
  const key = purgeKey(job)
  return [
    put(places.purges, key, job, 'pending'),
    put(places.purgeKeys, job.id, key),
    put(places.purged, job.objectId, job.objectId),
    ...purgeFolderPuts(places, job),
  ]
}

export function purgeStore(log: TenantLog): PurgeStore {
  /** Does something about a purge that is pending; nothing if it is done, or was never asked for. */
  const change = async (id: string, putsOf: (job: PurgeJob, places: Places) => Put[]): Promise<void> =>
    log.act(async (snapshot) => {
      const { purgeKeys, purges } = snapshot.places
      const key = await snapshot.value<string>(purgeKeys, id)
      const [found] = key === null ? [] : await snapshot.puts([joined(purges, key)])
      if (!found?.value || found.state !== 'pending') return { answer: undefined }
      return { answer: undefined, puts: putsOf(JSON.parse(found.value) as PurgeJob, snapshot.places) }
    })
  return {
    pending: async ({ limit, after }) =>
      log.look(async (snapshot) => {
        const { purgeKeys, purges: group } = snapshot.places
        const key = after === undefined ? null : await snapshot.value<string>(purgeKeys, after)
        return valuesOf(await snapshot.first(limit, { group, states: ['pending'], after: key ?? undefined }))
      }),
    save: async (id, cursor) =>
      change(id, (job, { purges }) => [put(purges, purgeKey(job), { ...job, cursor }, 'pending')]),
    done: async (id) =>
      change(id, (job, places) => [
        put(places.purges, purgeKey(job), job, 'done'),
        ...purgeFolderPuts(places, job).map(({ group, key }) => removal(group, key)),
      ]),
    stillNamed: async (locations) => log.look((snapshot) => isStillNamed(snapshot, locations)),
  }
}

/** Their order is the order of purges: the time has a fixed width. */
function purgeKey({ createdAt, id }: PurgeJob): string {
  return joined(createdAt, id)
}

function purgeFolderPuts({ purgeFolders }: Places, job: PurgeJob): Put[] {
  return putsOfFolders(purgeFolders, foldersOf(job), job.id, 'pending')
}
