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

/** The client has it already (RFC 9110, 15.4.5): no body, and the headers that say what "it" is. */
export function notModified(headers: Readonly<Record<string, string>>): Response {
  return new Response(null, { status: 304, headers })
}
