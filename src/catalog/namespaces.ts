import { CatalogError } from '#domain/errors'
import { dotted, namespacePath, type Namespace } from '#domain/ident'
import type { Change, Check, Entry, EntryValue, FinalAnswer, LogKind } from '#versions/model'
import { onCurrentRow } from './current-row.ts'
import { commitOf, type Caller, type CatalogDeps, type Place } from './deps.ts'
import { finishUnchanged, jsonAnswer, NO_CONTENT } from './idempotency.ts'
import { namespaceKey, noSuchNamespace, stillThere } from './keys.ts'
import { publish, retryOf, untilDecided, type Published } from './publish.ts'

export type Properties = Readonly<Record<string, string>>

/**
 * Creates a namespace in `parent`, the row that authorization saw, or in the catalog itself.
 * @throws CatalogError `already-exists`, `no-such-namespace`
 */
export async function createNamespace(
  deps: CatalogDeps,
  caller: Caller,
  input: { place: Place; namespace: Namespace; parent: Entry | null; properties: Properties },
): Promise<void> {
  const { parent } = input
  const next: EntryValue = {
    objectId: deps.newId(),
    kind: 'namespace',
    metadataLocation: null,
    locations: [],
    properties: input.properties,
    summary: {},
  }
  await untilDecided(async () => {
    const published = await change(deps, caller, input, 'create', {
      changes: [{ key: namespaceKey(input.namespace), expect: null, next }],
      checks: parent ? [stillThere(parent)] : [],
      targetId: next.objectId,
      answer: jsonAnswer({ namespace: input.namespace, properties: input.properties }),
    })
    switch (published.outcome) {
      case 'committed':
        return undefined
      case 'conflict':
        throw new CatalogError('already-exists', `Namespace already exists: ${dotted(input.namespace)}`)
      case 'check-failed':
        throw noSuchNamespace(input.namespace.slice(0, -1))
      default:
        return retryOf(published)
    }
  }, deps.pause)
}

/** What `POST …/properties` answers (REST specification, UpdateNamespacePropertiesResponse). */
export interface PropertiesUpdated {
  readonly updated: readonly string[]
  readonly removed: readonly string[]
  readonly missing: readonly string[]
}

/**
 * Sets and removes properties; removing a missing one is no error. A concurrent change is merged, not overwritten.
 * @throws CatalogError `no-such-namespace` if it was dropped meanwhile
 */
export async function updateProperties(
  deps: CatalogDeps,
  caller: Caller,
  input: { place: Place; namespace: Namespace; entry: Entry; removals: readonly string[]; updates: Properties },
): Promise<PropertiesUpdated> {
  return onCurrentRow(deps, rowOf(input), async (current) => {
    const removals = [...new Set(input.removals)]
    const removed = removals.filter((key) => Object.hasOwn(current.properties, key))
    const answer: PropertiesUpdated = {
      updated: Object.keys(input.updates),
      removed,
      missing: removals.filter((key) => !removed.includes(key)),
    }
    const kept = Object.entries(current.properties).filter(([key]) => !removed.includes(key))
    const properties = { ...Object.fromEntries(kept), ...input.updates }
    if (sameProperties(properties, current.properties)) {
      await finishUnchanged(deps, caller, jsonAnswer({ ...answer }))
      return answer
    }
    const published = await change(deps, caller, input, 'update', {
      changes: [{ key: namespaceKey(input.namespace), expect: current.rev, next: { ...valueOf(current), properties } }],
      checks: [],
      targetId: current.objectId,
      answer: jsonAnswer({ ...answer }),
    })
    if (published.outcome === 'committed') return answer
    return retryOf(published)
  })
}

/** Drops an empty namespace. @throws CatalogError `namespace-not-empty`, `no-such-namespace` */
export async function dropNamespace(
  deps: CatalogDeps,
  caller: Caller,
  input: { place: Place; namespace: Namespace; entry: Entry },
): Promise<void> {
  await onCurrentRow(deps, rowOf(input), async (current) => {
    const published = await change(deps, caller, input, 'drop', {
      changes: [{ key: namespaceKey(input.namespace), expect: current.rev, next: null }],
      checks: [{ empty: namespacePath(input.namespace) }],
      targetId: current.objectId,
      answer: NO_CONTENT,
    })
    if (published.outcome === 'committed') return undefined
    if (published.outcome === 'check-failed')
      throw new CatalogError('namespace-not-empty', `Namespace ${dotted(input.namespace)} is not empty`)
    return retryOf(published)
  })
}

/** The value of a row, without where and since when it is valid. */
export function valueOf(entry: Entry): EntryValue {
  const { objectId, kind, metadataLocation, locations, properties, summary } = entry
  return { objectId, kind, metadataLocation, locations, properties, summary }
}

async function change(
  deps: CatalogDeps,
  caller: Caller,
  input: { place: Place; namespace: Namespace },
  kind: Extract<LogKind, 'create' | 'update' | 'drop'>,
  step: { changes: readonly Change[]; checks: readonly Check[]; targetId: string; answer: FinalAnswer },
): Promise<Published> {
  const target = dotted(input.namespace)
  return publish(
    deps,
    commitOf(
      deps,
      caller,
      input.place,
      {
        kind,
        action: `${kind}_namespace`,
        target,
        targetId: step.targetId,
        answer: step.answer,
        message: `${kind} namespace ${target}`,
      },
      { changes: step.changes, checks: step.checks },
    ),
  )
}

function rowOf({ place, namespace, entry }: { place: Place; namespace: Namespace; entry: Entry }) {
  return { place, key: namespaceKey(namespace), seen: entry, gone: () => noSuchNamespace(namespace) }
}

function sameProperties(a: Properties, b: Properties): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
}
