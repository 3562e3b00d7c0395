import { assetKey } from '#catalog/keys'
import type { AuditEntry } from '#store/store'
import { keyText } from '#versions/check-commit'
import { OPEN_SEQ, type LogEntry } from '#versions/model'
import type { History } from './history.ts'
import type { Recorded } from './operations.ts'
import { stateOf, textOf, unloadable, type CatalogState } from './state.ts'

/** A table's metadata file while it was current under a name: from one position of the log up to another. */
interface Row {
  readonly name: string
  readonly location: string | null
  readonly from: number
  readonly to: number
}

/** A table's file and what the commits left in it, in the order of the log. `added`: what the file before it had not. */
interface Version {
  readonly objectId: string
  readonly seq: number
  readonly location: string
  readonly markers: ReadonlySet<string>
  readonly added: readonly string[]
}

/**
 * What is wrong with a history, in sentences: acknowledged commits are there once, refused ones nowhere, unknown ones at
 * most once, none is ever lost, a transaction is in all of its tables or in none, and nobody reads what somebody else
 * had already seen replaced.
 */
export async function violations(history: History): Promise<string[]> {
  const { ports, catalog, requests } = history
  const state = await stateOf(ports, catalog.tenantId)
  const { records: audit } = await ports.real.tenant(catalog.tenantId).history.audit({ limit: 10_000 })
  const found: string[] = [...state.broken, ...(await unloadable(catalog, state)), ...orphansOf(history, state)]
  const versions = versionsOf(history, state.log, found)
  for (const request of requests) {
    if (request.told === 'broken') found.push(`${nameOf(request)} answered ${request.status}`)
    if (request.kind === 'read') continue
    checkOnce(request, audit, versions, found)
  }
  checkOrder(requests, rowsOf(state), seqsOf(audit, state.log), found)
  return found
}

/** How many commits of the log are several requests' to one table. */
export async function groupsIn({ ports, catalog }: History): Promise<number> {
  const { log } = await stateOf(ports, catalog.tenantId)
  return log.filter(({ ids, changes }) => ids.length > 1 && changes.length === 1).length
}

/** Each commit's own id in the audit, and its marker where its tables' files first have it. */
function checkOnce(
  request: Recorded,
  audit: readonly AuditEntry[],
  versions: readonly Version[],
  found: string[],
): void {
  const { told, marker, tables, kind } = request
  const full = kind === 'transaction' ? tables.length : 1
  const check = (what: string, count: number): void => {
    const isRight = told === 'done' ? count === full : count === 0 || (told === 'unknown' && count === full)
    if (!isRight) found.push(`${nameOf(request)} was told ${told}, and is ${count} times in the ${what}`)
  }
  check('audit', audit.filter(({ client }) => client === request.id).length)
  if (marker === null) return
  const added = versions.filter((version) => version.added.includes(marker))
  check('metadata', added.length)
  const places = new Set(added.map(({ objectId }) => objectId)).size
  if (places !== added.length) found.push(`${nameOf(request)} is twice in one table`)
  if (new Set(added.map(({ seq }) => seq)).size > 1) found.push(`${nameOf(request)} was visible half-way`)
}

/** Every file that a table ever had. @param found gets what a later file of a table no longer has */
function versionsOf({ ports }: History, log: readonly LogEntry[], found: string[]): Version[] {
  const latest = new Map<string, Version>()
  const versions: Version[] = []
  for (const { seq, records, changes } of log)
    for (const { next } of changes) {
      if (next?.kind !== 'table' || !next.metadataLocation) continue
      const { objectId, metadataLocation: location } = next
      const before = latest.get(objectId)
      if (before?.location === location) continue
      const text = textOf(ports, location)
      if (text === null) {
        found.push(`${location} was committed at ${seq} and is not there`)
        continue
      }
      const markers = markersOf(text)
      const all = new Set(markers)
      if (all.size !== markers.length) found.push(`${location} has a snapshot twice`)
      for (const marker of before?.markers ?? [])
        if (!all.has(marker)) found.push(`${marker} was lost at ${seq} from ${location}`)
      const isInherited = before === undefined && records[0]?.kind === 'register'
      const added = isInherited ? [] : markers.filter((marker) => !before?.markers.has(marker))
      const version = { objectId, seq, location, markers: all, added }
      latest.set(objectId, version)
      versions.push(version)
    }
  return versions
}

function markersOf(text: string): string[] {
  const { properties = {}, snapshots = [], 'snapshot-log': snapshotLog = [] } = JSON.parse(text)
  const ids = snapshots.map((snapshot: { 'snapshot-id': number }) => `snapshot ${snapshot['snapshot-id']}`)
  const logged = snapshotLog.map((snapshot: { 'snapshot-id': number }) => `snapshot ${snapshot['snapshot-id']}`)
  const isSame = ids.length === logged.length && ids.every((id: string) => logged.includes(id))
  return [
    ...Object.keys(properties).filter((key) => key.startsWith('op-')),
    ...ids,
    ...(isSame ? [] : ['a gap in the log']),
  ]
}

/** Which file stood under which name when, and when nothing did. */
function rowsOf({ log }: CatalogState): Row[] {
  const open = new Map<string, { location: string | null; from: number }>()
  const rows: Row[] = []
  for (const { seq, changes } of log)
    for (const { key, next } of changes) {
      const name = keyText(key)
      const before = open.get(name) ?? { location: null, from: 0 }
      rows.push({ name, ...before, to: seq })
      open.set(name, { location: next?.metadataLocation ?? null, from: seq })
    }
  return [...rows, ...[...open].map(([name, row]) => ({ name, ...row, to: OPEN_SEQ }))]
}

/** The position at which each acknowledged request was committed. */
function seqsOf(audit: readonly AuditEntry[], log: readonly LogEntry[]): ReadonlyMap<string, number> {
  const seqs = new Map(log.flatMap(({ ids, seq }) => ids.map((id) => [id, seq] as const)))
  return new Map(audit.map(({ client, commitId }) => [client ?? '', seqs.get(commitId) ?? 0]))
}

/**
 * What begins after an answer that showed a position of the log shows that position or a later one. That holds for every
 * name, so it says also that reads never go backwards and that no transaction is seen half-way.
 */
function checkOrder(
  requests: readonly Recorded[],
  rows: readonly Row[],
  committedAt: ReadonlyMap<string, number>,
  found: string[],
): void {
  const shown: { ended: number; seq: number }[] = []
  for (const request of requests.toSorted((a, b) => a.ended - b.ended)) {
    const { begun, ended, told, kind, location } = request
    const before = shown.filter((one) => one.ended < begun)
    const least = Math.max(0, ...before.map(({ seq }) => seq))
    if (kind === 'read') {
      if (request.status !== 200 && request.status !== 404) continue
      const name = keyText(assetKey({ namespace: ['ns'], name: request.tables[0] ?? '' }))
      const possible = rows.filter((row) => row.name === name && row.location === location && row.to > least)
      const never = location === null && !rows.some((row) => row.name === name)
      if (possible.length === 0 && !never)
        found.push(`${nameOf(request)} showed ${location}, which was over at ${least}`)
      if (possible.length > 0) shown.push({ ended, seq: Math.min(...possible.map(({ from }) => from)) })
    } else if (told === 'done') {
      const seq = committedAt.get(request.id) ?? 0
      if (seq <= least) found.push(`${nameOf(request)} was committed at ${seq}, after ${least} had been seen`)
      const isAnswered = location === null || rows.some((row) => row.location === location && row.from === seq)
      if (!isAnswered) found.push(`${nameOf(request)} answered ${location}, which is not what was committed at ${seq}`)
      shown.push({ ended, seq })
    }
  }
}

/** A file that no commit names may be there only if nobody could tell, or if it could not be deleted. */
function orphansOf({ requests, filesLost }: History, { orphans }: CatalogState): string[] {
  const unknown = requests.filter(({ told }) => told === 'unknown').flatMap(({ tables }) => tables)
  return orphans.length > unknown.length + filesLost ? [`too many orphans: ${orphans.join(', ')}`] : []
}

function nameOf({ client, id, kind, tables, begun, ended }: Recorded): string {
  return `client ${client}: ${kind} ${tables.join(', ')} ${id} [${begun}, ${ended}]`
}
