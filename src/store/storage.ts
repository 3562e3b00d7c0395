import { badRequest, CatalogError } from '#domain/errors'
import type { R2Storage } from '#domain/records'

/**
 * The folder that a warehouse is, in the form of `EntryValue.locations`. @throws CatalogError `bad-request` for a prefix
 * that is no folder: it could not be told apart from others
 */
export function storageFolder({ bucket, prefix }: R2Storage): string {
  if (prefix !== '' && !prefix.endsWith('/'))
    throw badRequest(`Expected a prefix that is empty or ends in '/', found ${JSON.stringify(prefix)}`)
  return `s3://${bucket}/${prefix}`
}

/** The refusal of storage that another tenant has; it does not say who. */
export function storageTaken(folder: string): CatalogError {
  return new CatalogError(
    'already-exists',
    `The storage ${folder} overlaps with the warehouse of another tenant; choose another bucket or prefix`,
  )
}
