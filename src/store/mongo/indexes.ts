import { CURRENT, LOG, REPORT, VERSION } from './documents.ts'

/** An index: fields in order, each 1 for ascending. */
export interface Index {
  readonly collection: string
  readonly fields: Readonly<Record<string, 1>>
  readonly unique: boolean
}

/** Every index there has to be, besides those on `_id`. Each filter and sort of the store is a prefix of one. */
export const INDEXES: readonly Index[] = [
  /** The log from a position on. */
  { collection: LOG, fields: { tenant: 1, n: 1 }, unique: true },
  /** Which entry has a token; and that no two have. */
  { collection: LOG, fields: { unique: 1 }, unique: true },
  /** History of a branch. */
  { collection: LOG, fields: { branch: 1, seq: 1 }, unique: false },
  /** Audit of a tenant. */
  { collection: LOG, fields: { audited: 1, auditFrom: 1 }, unique: false },
  /** Documents of a group by key: all of them, or those in one state. */
  { collection: CURRENT, fields: { group: 1, key: 1 }, unique: false },
  { collection: CURRENT, fields: { group: 1, state: 1, key: 1 }, unique: false },
  /** What a document was at a position. */
  { collection: VERSION, fields: { of: 1, seq: 1 }, unique: true },
  /** Metrics reports of a tenant, and of a table, as they came. */
  { collection: REPORT, fields: { tenant: 1, n: 1 }, unique: false },
  { collection: REPORT, fields: { of: 1, n: 1 }, unique: false },
]

/** An index as servers name one: `tenant_1_n_1`. */
export function indexName({ fields }: Index): string {
  return Object.entries(fields)
    .map(([field, order]) => `${field}_${order}`)
    .join('_')
}
