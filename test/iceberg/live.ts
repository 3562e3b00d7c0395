import { commitTable, parseTableCommit, type CommitResult } from '#iceberg/commit'
import { newTableMetadata, parseCreateRequest } from '#iceberg/create'
import { parseRequest, writeJson, type Json } from '#iceberg/json'
import { readTableMetadata, type TableMetadata } from '#iceberg/metadata'
import { CatalogError } from '#domain/errors'
import { fixture } from './fixtures.ts'
import { NOW_MS, type RandomLife } from './random.ts'

const UUID = '99999999-2222-4333-8444-555555555555'

const DEPTH_MAX = 200

/** The table a life begins with, or undefined if its create is refused. Any other error is thrown. */
export function begin(start: RandomLife['start']): TableMetadata | undefined {
  if ('fixture' in start) return readTableMetadata(fixture(start.fixture))
  return unlessRefused(() =>
    newTableMetadata({
      ...parseCreateRequest(parseRequest(requestText(start.create), DEPTH_MAX)),
      location: 's3://lake/wh/new',
      uuid: UUID,
      nowMs: NOW_MS - 1000,
    }),
  )
}

/**
 * What one commit does to a table, or undefined if its body is refused. Any other error is thrown.
 * @param location the file of the metadata; null if it is to be written only together with what this commit makes of it
 */
export function step(
  metadata: TableMetadata,
  commit: Json,
  location: string | null = fileOf(metadata),
): CommitResult | undefined {
  return unlessRefused(() =>
    commitTable({
      base: { metadata, location },
      commit: parseTableCommit(parseRequest(requestText(commit), DEPTH_MAX)),
      nowMs: NOW_MS,
      newUuid: () => UUID,
    }),
  )
}

/** Where a table's metadata is said to be. */
export function fileOf({ location }: TableMetadata): string {
  return `${location}/metadata/00007-${UUID}.metadata.json`
}

/** JSON of a random request; `{ rawText }` stands for a number in that spelling. */
function requestText(json: Json): string {
  return writeJson(json).replaceAll(/\{"rawText":"([^"]*)"\}/g, '$1')
}

function unlessRefused<T>(attempt: () => T): T | undefined {
  try {
    return attempt()
  } catch (error) {
    if (error instanceof CatalogError && error.kind === 'bad-request') return undefined
    throw error
  }
}
