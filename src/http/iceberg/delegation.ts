import type { Vending } from '#catalog/deps'
import type { TableIdentifier } from '#domain/ident'
import { parameter, type Asked } from '../route.ts'

/** How a client gets at a table's files: with a credential, by having each request signed, or by means of its own. */
export type Delegation = 'vended-credentials' | 'remote-signing' | 'none'

/**
 * What a client gets that sent this `X-Iceberg-Access-Delegation`. A credential wherever it takes one, and without the
 * header, too: most engines that need one don't ask.
 */
export function delegationFor(headers: Headers): Delegation {
  const asked = headers.get('x-iceberg-access-delegation')
  if (asked === null) return 'vended-credentials'
  const modes = asked.split(',').map((mode) => mode.trim())
  return (['vended-credentials', 'remote-signing'] as const).find((mode) => modes.includes(mode)) ?? 'none'
}

/**
 * The client's settings for remote signing. The endpoint names the table, for every client by the name that it reads:
 * `signer.endpoint` (Java 1.11), `s3.signer.endpoint` (Java before, PyIceberg); Java 1.12 takes it from the specification.
 * It is relative, so that clients go on using the URI by which they know the catalog.
 * @param ticket of a staged table, which has no row yet
 */
export function signingConfig(
  asked: Asked<unknown>,
  table: TableIdentifier,
  vending: Pick<Vending, 'endpoint' | 'region'>,
  ticket: string | null,
) {
  const endpoint = `${tablePath(asked, table)}/sign${ticket === null ? '' : `?staged=${ticket}`}`
  return {
    's3.remote-signing-enabled': 'true',
    'signer.endpoint': endpoint,
    's3.signer.endpoint': endpoint,
    's3.signer': 'S3V4RestSigner',
    'py-io-impl': 'pyiceberg.io.fsspec.FsspecFileIO',
    's3.endpoint': vending.endpoint,
    's3.region': vending.region,
    'client.region': vending.region,
    's3.path-style-access': 'true',
  }
}

/** Where Java's clients fetch the next credential before this one expires. */
export function refreshConfig(asked: Asked<unknown>, table: TableIdentifier) {
  return { 'client.refresh-credentials-endpoint': `${tablePath(asked, table)}/credentials` }
}

/** A table's path below the catalog's URI, spelled so that form decoding and plain decoding read the same. */
function tablePath(asked: Asked<unknown>, { namespace, name }: TableIdentifier): string {
  const levels = namespace.map(encodeURIComponent).join('%1F')
  const prefix = encodeURIComponent(parameter(asked, 'prefix'))
  return `v1/${prefix}/namespaces/${levels}/tables/${encodeURIComponent(name)}`
}
