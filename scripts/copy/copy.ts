import { randomUUID } from 'node:crypto'
import { foldersOverlap } from '#versions/folders'
import { Refusal } from '../start/refusal.ts'
import { CONTENTS, Digest, folderOf, RECORDS, type Batch, type Row, type Table } from './rows.ts'
import { digestOf, type Progress, type Source, type Target } from './store.ts'

const ALL: readonly Table[] = [...CONTENTS, ...RECORDS]

export interface CopyOptions {
  /** Tenants may be added to a database that has others. */
  readonly intoExisting: boolean
  readonly stop: AbortSignal
  /** Told of each batch, and what was done with it. */
  readonly seen: (done: 'copied' | 'checked', batch: Batch) => void
}

/**
 * Copies every tenant, or goes on with a copy of the same source that was interrupted. What a tenant is found by comes
 * last, after all else was compared with the source once more. From then on the target may be in use: whatever is wrong
 * after that is told, and nothing is taken back.
 * @returns the digest of everything that was copied
 * @throws Refusal before anything is written if the target may not be copied into; later if the source has changed
 */
export async function copy(source: Source, target: Target, options: CopyOptions): Promise<Digest> {
  const begin = await begun(source, target, options)
  const progress = begin.state === 'copying' ? await copyAndCompare(source, target, begin, options) : begin
  const { tenants } = progress
  const records = await recordsOf(source, progress, options)
  await refuseChanged(source, target, progress, options)
  for (const tenant of tenants) {
    options.stop.throwIfAborted()
    await target.publish(tenant, records.get(tenant) ?? [], progress.owner)
  }
  await refuseChanged(source, target, progress, options)
  const found = await digestOf(target, RECORDS, tenants, (batch) => options.seen('checked', batch))
  await target.end(progress.owner)
  if (found.checksum() !== new Digest(progress.records).checksum())
    throw new Refusal(
      `Everything was copied, but ${target.name} has other users, grants, warehouses or catalogs than the source by now: somebody uses it already.`,
    )
  return new Digest({ ...progress.digest, ...progress.records })
}

/** Removes all that the target has of the tenants of an interrupted copy. @throws Refusal if there is none */
export async function discard(target: Target): Promise<null> {
  const mine = await takenUpFrom(target)
  if (!mine) throw new Refusal(`There is no interrupted copy in ${target.name}.`)
  // If this is interrupted, nobody takes what is left for what was copied.
  await target.save({ ...mine, state: 'spoilt' })
  await target.discard(mine.tenants, mine.owner)
  await target.end(mine.owner)
  return null
}

/** The contents, of which nobody sees anything yet: if they are not the source's, the next run starts over. */
async function copyAndCompare(
  source: Source,
  target: Target,
  begin: Progress,
  options: CopyOptions,
): Promise<Progress> {
  const progress = await copyContents(source, target, begin, options)
  await target.finish(progress.tenants, progress.owner)
  const isSourceSame = (await isSame(source, CONTENTS, progress, options)) && (await hasOnly(source, progress))
  if (!isSourceSame || !(await isSame(target, CONTENTS, progress, options))) {
    await target.save({ ...progress, state: 'spoilt' })
    throw new Refusal(
      isSourceSame
        ? `What is in ${target.name} is not what was copied there: see that nothing else writes to it, and run the same again, which starts over.`
        : `The source ${source.name} has changed while it was copied: stop whatever writes to it, and run the same again, which starts over.`,
    )
  }
  const records = await digestOf(source, RECORDS, progress.tenants, () => options.stop.throwIfAborted())
  const whole: Progress = { ...progress, state: 'publishing', records: records.saved() }
  await target.save(whole)
  return whole
}

/** What tenants are found by. */
async function recordsOf(
  source: Source,
  { tenants }: Progress,
  { seen }: CopyOptions,
): Promise<ReadonlyMap<string, readonly Row[]>> {
  const records = new Map<string, Row[]>()
  for await (const batch of source.read(RECORDS, tenants)) {
    records.set(batch.tenant, [...(records.get(batch.tenant) ?? []), ...batch.rows])
    seen('copied', batch)
  }
  return records
}

/** @throws Refusal if the source is no longer what was compared with the target */
async function refuseChanged(source: Source, target: Target, progress: Progress, options: CopyOptions): Promise<void> {
  if ((await isSame(source, ALL, progress, options)) && (await hasOnly(source, progress))) return
  throw new Refusal(
    `The source ${source.name} has changed since it was copied: stop whatever writes to it, run the same with --discard, which removes all that ${target.name} has of its tenants, and then once more.`,
  )
}

async function isSame(
  store: Source,
  tables: readonly Table[],
  { tenants, digest, records }: Progress,
  { stop, seen }: CopyOptions,
): Promise<boolean> {
  const found = await digestOf(store, tables, tenants, (batch) => {
    stop.throwIfAborted()
    seen('checked', batch)
  })
  const copied = new Digest(tables === ALL ? { ...digest, ...records } : digest)
  return found.checksum() === copied.checksum()
}

async function hasOnly(source: Source, { tenants }: Progress): Promise<boolean> {
  return String(await source.tenants()) === String(tenants)
}

async function begun(source: Source, target: Target, { intoExisting }: CopyOptions): Promise<Progress> {
  if (source.name === target.name) throw new Refusal('The source and the target are the same.')
  const found = await target.progress()
  const mine = found?.source === source.name ? await takenUpFrom(target) : found
  if (mine && mine.source !== source.name)
    throw new Refusal(
      `The target has half of a copy of ${mine.source}: run that one to its end, or give it up with --discard.`,
    )
  if (mine && mine.state !== 'spoilt') return mine
  const tenants = await source.tenants()
  if (tenants.length === 0) throw new Refusal(`There is nothing in ${source.name}.`)
  if (mine) await target.discard(mine.tenants, mine.owner)
  const there = await target.tenants()
  if (there.length > 0 && !intoExisting)
    throw new Refusal(
      `The target ${target.name} is not empty: choose another one, or add tenants that it does not have with --into-existing.`,
    )
  const twice = tenants.filter((tenant) => there.includes(tenant))
  if (twice.length > 0) throw new Refusal(`The target has the tenant ${twice.join(', ')} already.`)
  await refuseOverlaps(source, target, tenants)
  const begin = { state: 'copying', position: null, digest: {}, records: {} } as const
  const progress: Progress = { source: source.name, tenants, owner: mine?.owner ?? randomUUID(), ...begin }
  if (mine) await target.save(progress)
  else await beginIn(target, progress, there.length === 0)
  return progress
}

/** The copy that the target has, which is this run's from now on: the run before lands nothing more. Null if there is none. */
async function takenUpFrom(target: Target): Promise<Progress | null> {
  if (!(await target.progress())) return null
  const owner = randomUUID()
  await target.takeUp(owner)
  const found = await target.progress()
  return found && { ...found, owner }
}

async function beginIn(target: Target, progress: Progress, isClosed: boolean): Promise<void> {
  await target.begin(progress, isClosed).catch(async (error: unknown) => {
    const other = await target.progress()
    throw other && other.owner !== progress.owner
      ? new Refusal(`Another copy into ${target.name} has just begun.`)
      : error
  })
}

async function refuseOverlaps(source: Source, target: Target, tenants: readonly string[]): Promise<void> {
  const taken = await target.warehouses()
  for await (const { rows } of source.read(RECORDS, tenants))
    for (const folder of rows.flatMap((row) => folderOf(row) ?? [])) {
      const other = taken.find((one) => foldersOverlap(one.folder, folder))
      if (other) throw new Refusal(`The storage ${folder} is that of the tenant ${other.tenant} in the target.`)
    }
}

async function copyContents(
  source: Source,
  target: Target,
  begin: Progress,
  { stop, seen }: CopyOptions,
): Promise<Progress> {
  let progress = begin
  const digest = new Digest(begin.digest)
  for await (const batch of source.read(CONTENTS, begin.tenants, begin.position)) {
    stop.throwIfAborted()
    if (batch.rows.length > 0) {
      digest.add(batch)
      progress = { ...progress, position: batch.position, digest: digest.saved() }
      await target.write(batch, progress)
    }
    seen('copied', batch)
  }
  return progress
}
