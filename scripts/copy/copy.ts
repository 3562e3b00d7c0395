import { foldersOverlap } from '#versions/folders'
import { Refusal } from '../start/refusal.ts'
import { CONTENTS, Digest, folderOf, RECORDS, type Batch, type Row, type Table } from './rows.ts'
import { digestOf, type Progress, type Source, type Target } from './store.ts'

export interface CopyOptions {
  /** Tenants may be added to a database that has others. */
  readonly intoExisting: boolean
  readonly stop: AbortSignal
  /** Told of each batch, and what was done with it. */
  readonly seen: (done: 'copied' | 'checked', batch: Batch) => void
}

/**
 * Copies every tenant, or goes on with a copy of the same source that was interrupted. What a tenant is found by comes
 * last, after all else was compared with the source once more.
 * @returns the digest of everything that was copied
 * @throws Refusal before anything is written if the target may not be copied into; later if the source has changed
 */
export async function copy(source: Source, target: Target, options: CopyOptions): Promise<Digest> {
  let progress = await begun(source, target, options)
  const { tenants } = progress
  if (progress.state === 'copying') {
    progress = await copyContents(source, target, progress, options)
    await target.finish(tenants)
    await check(source, target, progress, CONTENTS, new Digest(progress.digest), options)
    progress = { ...progress, state: 'publishing' }
    await target.save(progress)
  }
  const all = new Digest(progress.digest)
  const records = new Digest()
  for (const tenant of tenants) {
    const rows: Row[] = []
    for await (const batch of source.read(RECORDS, [tenant])) {
      for (const digest of [records, all]) digest.add(batch)
      rows.push(...batch.rows)
      options.seen('copied', batch)
    }
    options.stop.throwIfAborted()
    await target.publish(tenant, rows)
  }
  await check(source, target, progress, RECORDS, records, options)
  await target.end()
  return all
}

/** Removes what an interrupted copy has brought. @throws Refusal if there is none */
export async function discard(target: Target): Promise<null> {
  const progress = await target.progress()
  if (!progress) throw new Refusal(`There is no interrupted copy in ${target.name}.`)
  await target.discard(progress.tenants)
  await target.end()
  return null
}

async function begun(source: Source, target: Target, { intoExisting }: CopyOptions): Promise<Progress> {
  if (source.name === target.name) throw new Refusal('The source and the target are the same.')
  const found = await target.progress()
  if (found && found.source !== source.name)
    throw new Refusal(
      `The target has half of a copy of ${found.source}: run that one to its end, or give it up with --discard.`,
    )
  if (found && found.state !== 'spoilt') return found
  const tenants = await source.tenants()
  if (tenants.length === 0) throw new Refusal(`There is nothing in ${source.name}.`)
  if (found) await target.discard(found.tenants)
  const there = await target.tenants()
  if (there.length > 0 && !intoExisting)
    throw new Refusal(
      `The target ${target.name} is not empty: choose another one, or add tenants that it does not have with --into-existing.`,
    )
  const twice = tenants.filter((tenant) => there.includes(tenant))
  if (twice.length > 0) throw new Refusal(`The target has the tenant ${twice.join(', ')} already.`)
  await refuseOverlaps(source, target, tenants)
  const progress: Progress = { source: source.name, tenants, state: 'copying', position: null, digest: {} }
  await (found ? target.save(progress) : target.begin(progress, there.length === 0))
  return progress
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

/** @throws Refusal if either has other rows than those that were copied: the next run starts over */
async function check(
  source: Source,
  target: Target,
  progress: Progress,
  tables: readonly Table[],
  copied: Digest,
  { seen, stop }: CopyOptions,
): Promise<void> {
  const checked = (batch: Batch): void => {
    stop.throwIfAborted()
    seen('checked', batch)
  }
  const isSame = async (store: Source): Promise<boolean> =>
    (await digestOf(store, tables, progress.tenants, checked)).checksum() === copied.checksum()
  const isSourceSame = (await isSame(source)) && String(await source.tenants()) === String(progress.tenants)
  if (isSourceSame && (await isSame(target))) return
  await target.save({ ...progress, state: 'spoilt' })
  throw new Refusal(
    isSourceSame
      ? `What is in ${target.name} is not what was copied there: see that nothing else writes to it, and run the same again, which starts over.`
      : `The source ${source.name} has changed while it was copied: stop whatever writes to it, and run the same again, which starts over.`,
  )
}
