import { badRequest, CatalogError } from '#domain/errors'
import { isNormal } from '#domain/location'
import type { R2Storage } from '#domain/records'

/**
 * The folder that a warehouse is, in the form of `EntryValue.locations`. @throws CatalogError `bad-request` for a prefix
 * that is no folder, or that R2 knows by another spelling: it could not be told apart from others
 */
export function storageFolder({ bucket, prefix }: R2Storage): string {
  if (prefix !== '' && !prefix.endsWith('/'))
    throw badRequest(`Expected a prefix that is empty or ends in '/', found ${JSON.stringify(prefix)}`)
  if (!isNormal(prefix))
    throw badRequest(`Expected a prefix in Unicode normalization form NFC, found ${JSON.stringify(prefix)}`)
  return `s3://${bucket}/${prefix}`
}

/** The refusal of storage that another tenant has; it does not say who. */
export function storageTaken(folder: string): CatalogError {
  return new CatalogError(
    'already-exists',
    `The storage ${folder} overlaps with the warehouse of another tenant; choose another bucket or prefix`,
  )
}
