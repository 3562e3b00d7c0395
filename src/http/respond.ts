import { writeJson, type Json } from '#iceberg/json'

/** 200 with a JSON body. */
export function json(body: Json, headers: Readonly<Record<string, string>> = {}): Response {
  return jsonText(writeJson(body), headers)
}

/** 200 with a body that is JSON already: stored metadata is answered as it is, never parsed and written again. */
export function jsonText(text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, { status: 200, headers: { 'Content-Type': 'application/json', ...headers } })
}

export function noContent(): Response {
  return new Response(null, { status: 204 })
}
