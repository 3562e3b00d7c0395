import { SIMPLE_SCHEMA } from './catalog.ts'

const UUID = '6a2a7f4e-5e0b-4d8e-9a54-6c4b3a1d2f00'

/** The commit of a staged create with a location of its own, as Java sends it. */
export function creationAt(
  location: string,
  schema: object = { ...SIMPLE_SCHEMA, 'schema-id': 0 },
  uuid = UUID,
): object {
  const updates = [
    { action: 'assign-uuid', uuid },
    { action: 'upgrade-format-version', 'format-version': 2 },
    { action: 'add-schema', schema },
    { action: 'set-current-schema', 'schema-id': -1 },
    { action: 'add-spec', spec: { 'spec-id': 0, fields: [] } },
    { action: 'set-default-spec', 'spec-id': -1 },
    { action: 'add-sort-order', 'sort-order': { 'order-id': 0, fields: [] } },
    { action: 'set-default-sort-order', 'sort-order-id': -1 },
    { action: 'set-location', location },
  ]
  return { requirements: [{ type: 'assert-create' }], updates }
}
