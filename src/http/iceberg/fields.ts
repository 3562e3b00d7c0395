import type { Properties } from '#catalog/namespaces'
import { badRequest } from '#domain/errors'
import { checkName, checkNamespace, type TableIdentifier } from '#domain/ident'
import { isObject, type Json } from '#iceberg/json'

/** A member of a JSON object; absent and null are undefined. @throws CatalogError `bad-request` if it is no object */
export function field(body: Json, name: string): Json | undefined {
  if (!isObject(body)) throw badRequest('Invalid body: expected a JSON object')
  return Object.hasOwn(body, name) ? (body[name] ?? undefined) : undefined
}

/** An optional map of strings. @throws CatalogError `bad-request` */
export function properties(body: Json, name: string): Properties {
  const value = field(body, name) ?? {}
  if (!isObject(value)) throw badRequest(`Invalid ${name}: expected an object of strings`)
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (typeof item !== 'string') throw badRequest(`Invalid ${name}: expected a string for '${key}'`)
      if (!item.isWellFormed() || !key.isWellFormed()) throw badRequest(`Invalid ${name}: lone surrogates are not text`)
      return [key, item]
    }),
  )
}

/** An optional list of strings. @throws CatalogError `bad-request` */
export function strings(body: Json, name: string): string[] {
  const value = field(body, name) ?? []
  if (!Array.isArray(value)) throw badRequest(`Invalid ${name}: expected a list of strings`)
  return value.map((item: unknown) => {
    if (typeof item !== 'string') throw badRequest(`Invalid ${name}: expected a list of strings`)
    return item
  })
}

/** A required, non-empty string. @throws CatalogError `bad-request` */
export function text(body: Json, name: string): string {
  const value = field(body, name)
  if (typeof value !== 'string' || value === '') throw badRequest(`Invalid ${name}: expected a non-empty string`)
  return value
}

/** An optional boolean, false if absent. @throws CatalogError `bad-request` */
export function flag(body: Json, name: string): boolean {
  const value = field(body, name) ?? false
  if (typeof value !== 'boolean') throw badRequest(`Invalid ${name}: expected true or false`)
  return value
}

/** `{ "namespace": […], "name": "…" }` of a table, or of what `type` says. @throws CatalogError `bad-request` */
export function identifier(body: Json, name: string, type = 'table'): TableIdentifier {
  const value = field(body, name)
  if (value === undefined) throw badRequest(`Invalid ${name}: expected a ${type} identifier`)
  return { namespace: checkNamespace(field(value, 'namespace')), name: checkName(field(value, 'name'), `${type} name`) }
}
