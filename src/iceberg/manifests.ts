import { malformed } from './avro-bytes.ts'
import { readAvro } from './avro.ts'

/** One manifest of a manifest list. */
export interface ManifestPath {
  readonly path: string
  readonly content: 'data' | 'deletes'
}

/** One file of a manifest: data, delete file or the Puffin file of a deletion vector. */
export interface FilePath {
  readonly path: string
  readonly status: 'existing' | 'added' | 'deleted'
}

/** `content` of a manifest list (field 517), which lists of format version 1 don't have. */
const CONTENTS = ['data', 'deletes'] as const

/** `status` of a manifest entry (field 0). */
const STATUSES = ['existing', 'added', 'deleted'] as const

/**
 * The manifests that a manifest list names, in its order. Source: Iceberg specification, Manifest Lists; format
 * versions 1 to 3. @throws CatalogError `unprocessable` when the list can't be read
 */
export async function* manifestPaths(stream: ReadableStream<Uint8Array>): AsyncGenerator<ManifestPath> {
  for await (const record of readAvro(stream, ['manifest_path', 'content'])) {
    const content = record['content'] ?? 0
    yield {
      path: text(record['manifest_path'], 'manifest_path'),
      content: oneOf(CONTENTS, content, 'content of a manifest'),
    }
  }
}

/**
 * The files that a manifest names, in its order and whatever their status. Entries next to each other that name one file
 * (deletion vectors share a Puffin file) count as one. Source: Iceberg specification, Manifests; format versions 1 to 3.
 * @throws CatalogError `unprocessable` when the manifest can't be read
 */
export async function* filePaths(stream: ReadableStream<Uint8Array>): AsyncGenerator<FilePath> {
  let last: string | undefined
  for await (const record of readAvro(stream, ['status', 'data_file.file_path'])) {
    const path = text(dataFile(record['data_file'])['file_path'], 'data_file.file_path')
    if (path === last) continue
    last = path
    yield { path, status: oneOf(STATUSES, record['status'], 'status') }
  }
}

function dataFile(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw malformed("expected a record in the field 'data_file'")
  return value as Readonly<Record<string, unknown>>
}

function text(value: unknown, field: string): string {
  if (typeof value !== 'string') throw malformed(`expected a string in the field '${field}', found ${typeof value}`)
  return value
}

function oneOf<T>(names: readonly T[], value: unknown, what: string): T {
  const name = typeof value === 'number' ? names[value] : undefined
  if (name === undefined) throw malformed(`expected a ${what} from 0 to ${names.length - 1}, found ${String(value)}`)
  return name
}
