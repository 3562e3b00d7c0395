import { CatalogError } from '#domain/errors'
import { validateFolder, type ValidatedLocation } from '#domain/location'
import { CREDENTIAL_TTL_SECONDS } from '#src/limits'
import type { StorageAccess } from '#signers/signer'
import type { Entry } from '#versions/model'
import { storageOf, type Place, type Vending } from './deps.ts'

/** Client settings that open one table's folders: the same values for `config` and for `storage-credentials`. */
export interface VendedCredential {
  readonly prefix: string
  readonly config: Readonly<Record<string, string>>
}

/**
 * Makes the credential that goes out with a table, given its folders; null if none does. Whoever changes the catalog calls
 * it before the commit: a signer that fails after it would leave a table that its maker was told does not exist.
 */
export type Vend = (locations: Entry['locations']) => Promise<VendedCredential | null>

/**
 * One short-lived credential for the table's folders and nothing else. The locations are checked again, because the
 * warehouse may have changed since they were stored.
 * @param now the current time; the credential lives `CREDENTIAL_TTL_SECONDS` from then
 * @throws CatalogError `bad-request` if a stored folder no longer lies in the warehouse, `unavailable` if the signer fails
 */
export async function vend(
  vending: Vending,
  place: Place,
  locations: Entry['locations'],
  access: StorageAccess,
  now: Date,
): Promise<VendedCredential> {
  const folders = locations.map((uri) => validateFolder(uri, storageOf(place), 'table location'))
  const [first, ...others] = folders
  if (!first) throw new Error('a table without a location')
  const folderList: [ValidatedLocation, ...ValidatedLocation[]] = [first, ...others]
  const credential = await vending.signer
    .sign({ folders: folderList, access, nowMs: now.getTime(), ttlSeconds: CREDENTIAL_TTL_SECONDS })
    .catch((cause: unknown) => {
      throw new CatalogError(
        'unavailable',
        'No storage credential could be made; nothing was changed, try again',
        cause,
      )
    })
  return {
    prefix: first.uri,
    config: {
      's3.access-key-id': credential.accessKeyId,
      's3.secret-access-key': credential.secretAccessKey,
      's3.session-token': credential.sessionToken,
      's3.session-token-expires-at-ms': String(credential.expiresAtMs),
      's3.endpoint': vending.endpoint,
      's3.region': vending.region,
      'client.region': vending.region,
      's3.path-style-access': 'true',
    },
  }
}
