import type { TableState } from '#catalog/create-table'
import { toHex } from '#domain/hex'
import type { StorageAccess } from '#signers/signer'
import { ETAG_WINDOW_SECONDS } from '#src/limits'
import type { CatalogContext } from '../route.ts'
import { delegationFor } from './delegation.ts'

/** Which snapshots a load shows (REST specification, loadTable). */
export type SnapshotsMode = 'all' | 'refs'

/** What an answer about a table holds. */
export interface Carried {
  readonly credential: boolean
  /** False where the answer has no settings for the client, which are the signer's for those who take no credential. */
  readonly config?: boolean
  readonly snapshots?: SnapshotsMode
}

/** What a commit answers: metadata alone. */
export const COMMIT_ANSWER: Carried = { credential: false, config: false }

/**
 * The ETag of a table as this caller is told of it: it differs wherever the answer would, the credential in it included,
 * and after `ETAG_WINDOW_SECONDS` at most, so that no client lives on a 304 until its credential is dead. So an answer
 * without a credential, which a client may join to an older one of its own, never has the ETag of one with it. It is weak,
 * because credentials of one window differ. Null for a staged table, which can't be loaded.
 * @param access what the answer's credential may do, or what a load's would
 */
export async function tableEtag(
  context: CatalogContext<unknown>,
  { objectId, metadataLocation, metadataSha256 }: Pick<TableState, 'objectId' | 'metadataLocation' | 'metadataSha256'>,
  access: StorageAccess,
  { credential, config = true, snapshots = 'all' }: Carried,
): Promise<string | null> {
  if (metadataLocation === null) return null
  const { caller, place, vending, deps, headers } = context
  const { catalog, branch, seq } = place
  const isTold = config && delegationFor(headers) === 'remote-signing'
  const covered = JSON.stringify([
    [caller.tenantId, catalog.id, branch.id, seq, objectId, metadataLocation, metadataSha256],
    [snapshots, delegationAsked(headers), credential, isTold, access, vending?.endpoint ?? null],
    Math.floor(deps.now().getTime() / (ETAG_WINDOW_SECONDS * 1000)),
  ])
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(covered))
  return `W/"${toHex(digest).slice(0, 32)}"`
}

/** An answer's headers with its ETag. Java's clients look for the name in exactly this case. */
export function etagHeader(etag: string | null): Readonly<Record<string, string>> {
  return etag === null ? {} : { ETag: etag }
}

/**
 * Whether `If-None-Match` names this ETag (RFC 9110, 13.1.2). The comparison is weak, and quotes don't matter: proxies
 * weaken tags, and some clients send them bare. `*` is no word for an answer with a credential: the client's own may be of
 * any age.
 */
export function isMatch(ifNoneMatch: string | null, etag: string | null, { credential }: Carried): boolean {
  if (ifNoneMatch === null || etag === null) return false
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim())
  return (!credential && tags.includes('*')) || tags.map(opaque).includes(opaque(etag))
}

function opaque(tag: string): string {
  return tag.replace(/^W\//i, '').replace(/^"(.*)"$/s, '$1')
}

/** `X-Iceberg-Access-Delegation` in one spelling; no header lets the server choose. */
function delegationAsked(headers: Headers): readonly string[] | null {
  const asked = headers.get('x-iceberg-access-delegation')
  if (asked === null) return null
  const modes = asked.split(',').map((mode) => mode.trim())
  return [...new Set(modes)].toSorted()
}
