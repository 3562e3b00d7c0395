import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { SqlDatabase, SqlFailure, SqlResult, Statement } from '#store/sql/database'
import { SQLITE } from '#store/sql/dialect'
import { Refusal } from '../start/refusal.ts'

/**
 * A D1 database on Cloudflare, through the HTTP API (`POST /accounts/…/d1/database/…/raw`), which runs the statements of
 * one request as one transaction, as a Worker's batch does.
 */
export interface DeployedD1 extends SqlDatabase {
  /** `d1://ACCOUNT_ID/DATABASE_ID` */
  readonly name: string
}

/** UTF-16 code units that a page and a parameter may have: D1 takes texts of up to 2,000,000 bytes. */
export const D1_CHARS_MAX = 500_000

/** Attempts at a request, and milliseconds before the second; each later wait is twice as long. */
const ATTEMPTS_MAX = 5
const BACKOFF_MS = 500

/**
 * Seconds to wait when requests are refused for being too many: as told, but no longer than Cloudflare's window; where
 * that is not told, all waits together are as long as that.
 */
const RETRY_AFTER_SECONDS_MAX = 300
const RETRY_AFTER_SECONDS = RETRY_AFTER_SECONDS_MAX / (ATTEMPTS_MAX - 1)

/** Milliseconds for one request: Cloudflare ends it after 30 s. */
const REQUEST_MS = 60_000

const FORM = /^d1:\/\/([0-9a-f]{32})\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** What D1 says when it has not begun with a request, when it has undone it, and when it cannot tell, whatever the status. */
const NOT_BEGUN = /D1 DB is overloaded/
const UNDONE = /SQLITE_(?:CONSTRAINT|ERROR|MISMATCH|TOOBIG|RANGE|FULL)|exceeded (?:D1's )?maximum/i
const UNKNOWN = /connection lost|be reset|was reset|code was updated|transient issue|client disconnected/

export interface ApiSettings {
  /** With wrangler's own variables: the token, and the API's address if it is another one. */
  readonly env: NodeJS.ProcessEnv
  readonly stop: AbortSignal
  readonly sleep?: (milliseconds: number) => Promise<void>
}

/** @throws Refusal if the URL has another form, or the token or the address is missing or cannot be used */
export function deployedD1(url: string, { env, stop, sleep }: ApiSettings): DeployedD1 {
  const [name, account, database] = FORM.exec(url.toLowerCase()) ?? []
  if (name === undefined)
    throw new Refusal(
      'A D1 database on Cloudflare is d1://ACCOUNT_ID/DATABASE_ID: npx wrangler whoami shows the one, npx wrangler d1 list the other.',
    )
  const token = (env['CLOUDFLARE_API_TOKEN'] ?? '').trim()
  if (/\s/.test(token))
    throw new Refusal('CLOUDFLARE_API_TOKEN has to be the token alone, without "Bearer" and without spaces in it.')
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new Refusal('A D1 database on Cloudflare needs an API token: set CLOUDFLARE_API_TOKEN.')
  const base = (env['CLOUDFLARE_API_BASE_URL'] || 'https://api.cloudflare.com/client/v4').trim().replace(/\/+$/, '')
  const isSecure = /^(?:https:\/\/|http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])[:/])[^@?#]*$/.test(base)
  if (!isSecure || !URL.canParse(base))
    throw new Refusal('CLOUDFLARE_API_BASE_URL has to be an https:// address, without a user, "?" and "#".')
  const post = poster(`${base}/accounts/${account}/d1/database/${database}/raw`, token, stop)

  /** What may be repeated is, if it is not known whether it has happened. */
  const run = async <Row>(statements: readonly Statement[], mayRepeat: boolean): Promise<SqlResult<Row>[]> => {
    for (let attempt = 1; ; attempt += 1) {
      const reply = await post(statements)
      if (reply.results) return reply.results.map((one) => resultOf<Row>(one))
      const again = pause(reply, attempt, mayRepeat)
      if (again === null) throw refusalOf(reply, name)
      await (sleep ? sleep(again) : wait(again, undefined, { signal: stop }))
    }
  }
  return {
    name,
    dialect: SQLITE,
    read: async <Row>(statements: readonly Statement[]) => run<Row>(statements, true),
    write: async <Row>(statements: readonly Statement[]) => run<Row>(statements, false),
    failureOf,
  }
}

/** What an HTTP answer, or none at all, comes to: `results` where all went well. */
interface Reply {
  /** 0: there was no answer. */
  readonly status: number
  /** Seconds. */
  readonly retryAfter?: number
  /** Without a secret. */
  readonly reason: string
  readonly results?: readonly RawResult[]
}

/** What has another form says nothing of what became of a statement. */
const RAW_RESULT = z.object({
  success: z.literal(true).optional(),
  results: z
    .object({ columns: z.array(z.string()), rows: z.array(z.array(z.unknown())) })
    .refine(({ columns, rows }) => rows.every((row) => row.length === columns.length)),
  meta: z.object({ changes: z.number() }),
})
type RawResult = z.infer<typeof RAW_RESULT>

interface Envelope {
  readonly success?: unknown
  readonly errors?: readonly { readonly message?: string | number }[]
  readonly result?: unknown
}

function poster(url: string, token: string, stop: AbortSignal): (statements: readonly Statement[]) => Promise<Reply> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return async (statements) => {
    // The API's parameters are texts.
    const batch = statements.map(({ sql, params }) => ({ sql, params: params.map(String) }))
    const signal = AbortSignal.any([stop, AbortSignal.timeout(REQUEST_MS)])
    const request = { method: 'POST', headers, body: JSON.stringify({ batch }), redirect: 'manual', signal } as const
    try {
      const response = await fetch(url, request)
      const { success, errors, result } = envelopeOf(await response.text())
      const { data } = z.array(RAW_RESULT).length(statements.length).safeParse(result)
      if (response.ok && success === true && data) return { status: response.status, reason: '', results: data }
      const said = String(errors?.[0]?.message ?? response.statusText)
        .replaceAll(token, '…')
        .replace(/\s+/g, ' ')
      const reason = `HTTP ${response.status}: ${said}`
      const retryAfter = retryAfterOf(response.headers.get('retry-after'), Date.now())
      return { status: response.status, retryAfter, reason }
    } catch (error) {
      stop.throwIfAborted()
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      return { status: 0, reason: cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer' }
    }
  }
}

/** Seconds, of which `Retry-After` has a number, or the time when they are over. */
function retryAfterOf(header: string | null, now: number): number {
  const given = [Number(header), (Date.parse(header ?? '') - now) / 1000]
  return given.find((seconds) => Number.isFinite(seconds) && seconds > 0) ?? RETRY_AFTER_SECONDS
}

/** What stands between may answer in words of its own. */
function envelopeOf(text: string): Envelope {
  try {
    return (JSON.parse(text) ?? {}) as Envelope
  } catch {
    return {}
  }
}

function resultOf<Row>({ results: { columns, rows }, meta }: RawResult): SqlResult<Row> {
  const named = rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])))
  return { rows: named as Row[], changes: meta.changes }
}

/** Milliseconds until a request is sent again; null if it is not. */
function pause({ status, retryAfter = 0, reason }: Reply, attempt: number, mayRepeat: boolean): number | null {
  if (attempt >= ATTEMPTS_MAX) return null
  if (status === 429) return retryAfter <= RETRY_AFTER_SECONDS_MAX ? retryAfter * 1000 : null
  const isRepeated = NOT_BEGUN.test(reason) || (mayRepeat && isUnknown(status, reason))
  return isRepeated ? BACKOFF_MS * 2 ** (attempt - 1) : null
}

/** Whether it may have happened. */
function isUnknown(status: number, reason: string): boolean {
  return (status < 400 || status >= 500 || UNKNOWN.test(reason)) && !UNDONE.test(reason)
}

function refusalOf({ status, reason }: Reply, name: string): Refusal {
  // A token that is none at all is a bad header to Cloudflare.
  if (status === 401 || status === 403 || reason.includes('Invalid request headers'))
    return new Refusal(
      `Cloudflare does not accept CLOUDFLARE_API_TOKEN for ${name} (${reason}): it needs the permission to edit D1, or to read it for a copy from it.`,
    )
  if (status === 404) return new Refusal(`Cloudflare knows no database ${name} (${reason}).`)
  if (status === 429)
    return new Refusal(`Cloudflare takes no more requests for now (${reason}): run the same again later.`)
  if (isUnknown(status, reason))
    return new Refusal(`Cloudflare did not say what became of a request (${reason}): run the same again.`)
  return new Refusal(`D1 has refused a request (${reason}).`)
}

function failureOf(error: unknown): SqlFailure {
  const text = error instanceof Error ? error.message : String(error)
  const [, table] = /UNIQUE constraint failed: (\w+)\./.exec(text) ?? []
  if (table !== undefined) return { kind: 'taken', table }
  return text.includes('guard:') ? { kind: 'guard', message: text } : { kind: 'refused' }
}
