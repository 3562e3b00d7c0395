import { gunzipSync } from 'node:zlib'
import { textSha256 } from '#catalog/metadata-files'
import { keyText } from '#versions/check-commit'
import type { EntryValue, Key, LogEntry } from '#versions/model'
import type { TestCatalog } from '#test/support/catalog'
import type { FaultyPorts } from './ports.ts'

/** What the catalog contains, read past all faults. */
export interface CatalogState {
  readonly headSeq: number
  /** Oldest first. */
  readonly log: readonly LogEntry[]
  /** Tables and views as they are now. */
  readonly assets: readonly Asset[]
  /** Metadata files that no commit ever named. */
  readonly orphans: readonly string[]
  /** Pointers whose file is missing, or is not what was committed. */
  readonly broken: readonly string[]
}

type Asset = EntryValue & { readonly key: Key }

export async function stateOf(ports: Pick<FaultyPorts, 'real' | 'files'>, tenantId: string): Promise<CatalogState> {
  const tenant = ports.real.tenant(tenantId)
  const { place } = await tenant.read({ at: { catalog: 'demo', ref: 'main' } })
  if (!place) throw new Error('the catalog is gone')
  const { branch } = place
  const { entries, next } = await tenant.history.log({ branchId: branch.id, limit: 10_000 })
  if (next) throw new Error('more history than this reads')
  const log = entries.toReversed()
  const rows = new Map<string, Asset>()
  for (const { key, next: value } of log.flatMap(({ changes }) => changes))
    if (value) rows.set(keyText(key), { ...value, key })
    else rows.delete(keyText(key))
  const assets = [...rows.values()].filter(({ kind }) => kind !== 'namespace')
  const named = new Set(log.flatMap(({ changes }) => changes.map((change) => change.next?.metadataLocation)))
  const broken = await Promise.all(assets.map((asset) => flawOf(ports, asset)))
  return {
    headSeq: branch.headSeq,
    log,
    assets,
    orphans: [...ports.files.files.keys()].filter((uri) => !named.has(uri)),
    broken: broken.flatMap((flaw) => flaw ?? []),
  }
}

/** The text of a metadata file, or null if there is none. */
export function textOf(ports: Pick<FaultyPorts, 'files'>, uri: string): string | null {
  const bytes = ports.files.files.get(uri)
  if (!bytes) return null
  return new TextDecoder().decode(uri.includes('.gz.') ? gunzipSync(bytes) : bytes)
}

/** Whatever a client can't load that the catalog says is there. */
export async function unloadable(
  catalog: Pick<TestCatalog, 'admin' | 'call'>,
  { assets }: CatalogState,
): Promise<string[]> {
  const answers = await Promise.all(
    assets.map(async ({ key, kind, metadataLocation }) => {
      const path = `/v1/demo/namespaces/${key.namespace}/${kind}s/${key.name}`
      const { status, json } = await catalog.call(catalog.admin, 'GET', path)
      const isLoaded = status === 200 && json['metadata-location'] === metadataLocation
      return isLoaded ? null : `GET ${path} answers ${status}`
    }),
  )
  return answers.flatMap((answer) => answer ?? [])
}

async function flawOf(
  ports: Pick<FaultyPorts, 'files'>,
  { key, metadataLocation, summary }: Asset,
): Promise<string | null> {
  const text = textOf(ports, metadataLocation ?? '')
  if (text === null) return `${key.name} points at a file that is not there`
  return (await textSha256(text)) === summary.metadataSha256 ? null : `${key.name} points at another file`
}
