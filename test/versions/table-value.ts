import type { EntryValue } from '#versions/model'

/** A table of which nothing is known but its object. */
export const TABLE_VALUE: EntryValue = {
  objectId: 'o',
  kind: 'table',
  metadataLocation: null,
  locations: [],
  properties: {},
  summary: {},
}
