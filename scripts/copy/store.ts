import { Refusal } from '../start/refusal.ts'
import { Digest, type Batch, type Row, type SavedDigest, type Table } from './rows.ts'

/** Something that rows are read from: a database, or a backup file. */
export interface Source {
  /** What it is, without a secret: a copy that was interrupted goes on only from the same. */
  readonly name: string
  tenants(): Promise<string[]>
  /** Rows of the tables of those tenants behind `after`, the position of a batch: tenant by tenant, table by table. */
  read(tables: readonly Table[], tenants: readonly string[], after?: string | null): AsyncIterable<Batch>
  close(): Promise<void>
}

/** How far a copy has come. */
export interface Progress {
  readonly source: string
  readonly tenants: readonly string[]
  /** `copying` the contents, `publishing` what finds them, or `spoilt`: what was copied is not what is there now. */
  readonly state: 'copying' | 'publishing' | 'spoilt'
  /** Of the last batch of contents that was written. */
  readonly position: string | null
  /** Of all contents that were written, and, once they were compared, of the source's records. */
  readonly digest: SavedDigest
  readonly records: SavedDigest
  /** The run that goes on with it: whoever takes it up later is another one, and the one before writes no more. */
  readonly owner: string
}

/** A database that rows are written to. */
export interface Target extends Source {
  /** Of a copy that has not ended. */
  progress(): Promise<Progress | null>
  /** Keeps the progress; `isClosed`: until {@link Target.end} the catalog finds the database not ready. */
  begin(progress: Progress, isClosed: boolean): Promise<void>
  /** From now on the copy is another owner's. How far it has come is known only after this: until then it goes on. */
  takeUp(owner: string): Promise<void>
  /** @throws Refusal if another run has taken the copy up; so do all that come after this */
  save(progress: Progress): Promise<void>
  /** Adds contents and keeps the progress. If the process dies in between, the same batch may come again. */
  write(batch: Batch, progress: Progress): Promise<void>
  /** Contents are whole: brings whatever counts them up to date. */
  finish(tenants: readonly string[], owner: string): Promise<void>
  /** Adds the records of a tenant, some of which may be there from an attempt before: its catalogs last. */
  publish(tenant: string, records: readonly Row[], owner: string): Promise<void>
  /** Removes whatever there is of tenants, for as long as the copy is the owner's. */
  discard(tenants: readonly string[], owner: string): Promise<void>
  /** Forgets the progress, if it still is the owner's: the database is ready. */
  end(owner: string): Promise<void>
  /** The folders of all warehouses, and the tenants they belong to. */
  warehouses(): Promise<readonly { readonly tenant: string; readonly folder: string }[]>
}

/** The digest of tables as they are now; `seen` is told of each batch. */
export async function digestOf(
  source: Source,
  tables: readonly Table[],
  tenants: readonly string[],
  seen: (batch: Batch) => void = () => {},
): Promise<Digest> {
  const digest = new Digest()
  for await (const batch of source.read(tables, tenants)) {
    digest.add(batch)
    seen(batch)
  }
  return digest
}

/** What a run is told that is no longer the one that goes on with a copy. */
export function takenUp(name: string): Refusal {
  return new Refusal(`Another run has gone on with the copy into ${name}, or removed it; this one has ended.`)
}

/** Pages of one table of one tenant; `key` is where the next one begins. */
export type Pages = (
  tenant: string,
  table: Table,
  after: string | null,
) => AsyncIterable<{ readonly rows: readonly Row[]; readonly key: string }>

/** `Source.read` of a database that has pages. */
export function reader(pages: Pages): Source['read'] {
  return async function* read(tables, tenants, after = null) {
    const from = after === null ? null : (JSON.parse(after) as { tenant: string; table: Table; key: string })
    const first = from === null ? 0 : tenants.indexOf(from.tenant)
    for (const tenant of tenants.slice(first)) {
      const isFirst = tenant === from?.tenant
      for (const table of isFirst ? tables.slice(tables.indexOf(from.table)) : tables) {
        const start = isFirst && table === from.table ? from.key : null
        for await (const { rows, key } of pages(tenant, table, start))
          yield { tenant, table, rows, position: JSON.stringify({ tenant, table, key }) }
      }
    }
  }
}
