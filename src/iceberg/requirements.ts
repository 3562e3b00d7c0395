import { badRequest } from '#domain/errors'
import { brief, asInt, asLong, asObject, asString, asUuid, optional, required, shown, type Long } from './fields.ts'
import { idOf, type Json, type JsonObject } from './json.ts'
import type { TableMetadata } from './metadata.ts'

/** What must hold for a commit to apply, as on the wire. */
export type TableRequirement =
  | { readonly type: 'assert-create' }
  | { readonly type: 'assert-table-uuid'; readonly uuid: string }
  | { readonly type: 'assert-ref-snapshot-id'; readonly ref: string; readonly 'snapshot-id': Long | null }
  | { readonly type: 'assert-last-assigned-field-id'; readonly 'last-assigned-field-id': number }
  | { readonly type: 'assert-current-schema-id'; readonly 'current-schema-id': number }
  | { readonly type: 'assert-last-assigned-partition-id'; readonly 'last-assigned-partition-id': number }
  | { readonly type: 'assert-default-spec-id'; readonly 'default-spec-id': number }
  | { readonly type: 'assert-default-sort-order-id'; readonly 'default-sort-order-id': number }

/** One requirement of a request. @throws CatalogError `bad-request`, also for a type that tables don't have */
export function readRequirement(value: Json): TableRequirement {
  const requirement = asObject(value, 'requirements', 'commit')
  const type = required(requirement, 'type', asString, 'requirement')
  const read = READERS.get(type)
  if (!read) throw badRequest(`Invalid requirement: ${shown(type)} is not a requirement of tables`)
  return read(requirement, type)
}

/**
 * The first requirement that does not hold, as the message that clients know, or undefined. `metadata` is null for a
 * table that doesn't exist.
 */
export function checkRequirements(
  metadata: TableMetadata | null,
  requirements: readonly TableRequirement[],
): string | undefined {
  for (const requirement of requirements) {
    const problem = problemOf(metadata, requirement)
    if (problem !== undefined) return `Requirement failed: ${problem}`
  }
  return undefined
}

type RequirementReader = (requirement: JsonObject, owner: string) => TableRequirement

const READERS: ReadonlyMap<string, RequirementReader> = new Map<string, RequirementReader>([
  ['assert-create', () => ({ type: 'assert-create' })],
  [
    'assert-table-uuid',
    (requirement, owner) => ({ type: 'assert-table-uuid', uuid: required(requirement, 'uuid', asUuid, owner) }),
  ],
  [
    'assert-ref-snapshot-id',
    (requirement, owner) => ({
      type: 'assert-ref-snapshot-id',
      ref: required(requirement, 'ref', asString, owner),
      'snapshot-id': optional(requirement, 'snapshot-id', asLong, owner) ?? null,
    }),
  ],
  [
    'assert-last-assigned-field-id',
    (requirement, owner) => ({
      type: 'assert-last-assigned-field-id',
      'last-assigned-field-id': required(requirement, 'last-assigned-field-id', asInt, owner),
    }),
  ],
  [
    'assert-current-schema-id',
    (requirement, owner) => ({
      type: 'assert-current-schema-id',
      'current-schema-id': required(requirement, 'current-schema-id', asInt, owner),
    }),
  ],
  [
    'assert-last-assigned-partition-id',
    (requirement, owner) => ({
      type: 'assert-last-assigned-partition-id',
      'last-assigned-partition-id': required(requirement, 'last-assigned-partition-id', asInt, owner),
    }),
  ],
  [
    'assert-default-spec-id',
    (requirement, owner) => ({
      type: 'assert-default-spec-id',
      'default-spec-id': required(requirement, 'default-spec-id', asInt, owner),
    }),
  ],
  [
    'assert-default-sort-order-id',
    (requirement, owner) => ({
      type: 'assert-default-sort-order-id',
      'default-sort-order-id': required(requirement, 'default-sort-order-id', asInt, owner),
    }),
  ],
])

function problemOf(metadata: TableMetadata | null, requirement: TableRequirement): string | undefined {
  if (requirement.type === 'assert-create') return metadata ? 'table already exists' : undefined
  if (!metadata) return 'table does not exist'
  switch (requirement.type) {
    case 'assert-table-uuid': {
      const uuid = metadata['table-uuid']
      return uuid?.toLowerCase() === requirement.uuid.toLowerCase()
        ? undefined
        : `UUID does not match: expected ${uuid ?? 'none'} != ${requirement.uuid}`
    }
    case 'assert-ref-snapshot-id':
      return refProblem(metadata, requirement.ref, idOf(requirement['snapshot-id']))
    case 'assert-last-assigned-field-id':
      return changed('last assigned field id', requirement['last-assigned-field-id'], metadata['last-column-id'])
    case 'assert-current-schema-id':
      return changed('current schema', requirement['current-schema-id'], metadata['current-schema-id'])
    case 'assert-last-assigned-partition-id':
      return changed(
        'last assigned partition id',
        requirement['last-assigned-partition-id'],
        metadata['last-partition-id'],
      )
    case 'assert-default-spec-id':
      return changed('default partition spec', requirement['default-spec-id'], metadata['default-spec-id'])
    default:
      return changed('default sort order', requirement['default-sort-order-id'], metadata['default-sort-order-id'])
  }
}

function refProblem(metadata: TableMetadata, name: string, expected: string | undefined): string | undefined {
  const ref = Object.hasOwn(metadata.refs, name) ? metadata.refs[name] : undefined
  if (!ref) return expected === undefined ? undefined : `branch or tag ${brief(name)} is missing, expected ${expected}`
  if (expected === undefined) return `${ref.type} ${brief(name)} was created concurrently`
  const found = idOf(ref['snapshot-id'])
  return found === expected ? undefined : `${ref.type} ${brief(name)} has changed: expected id ${expected} != ${found}`
}

function changed(what: string, expected: number, found: number): string | undefined {
  return expected === found ? undefined : `${what} changed: expected id ${expected} != ${found}`
}
