import { DurableObject } from 'cloudflare:workers'
import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { VerbFailure, type FailureKind, type MongoVerbs } from '#store/mongo/verbs'
import { configOf } from './config.ts'
import { MONGO_REPLY_CHARS_MAX } from './limits.ts'
import { errorFields, logLine } from './log.ts'

/** A result is JSON, also of documents; a large one comes as a stream of UTF-8. */
export type VerbReply =
  | { readonly ok: true; readonly json: string | ReadableStream<Uint8Array> }
  | { readonly ok: false; readonly kind: FailureKind; readonly message: string }

/**
 * A client of MongoDB's driver. Its connections belong to whoever opened them, and a Worker's requests may not share
 * any; a Durable Object's calls do. It holds nothing else: any number of them may be there at once, or end.
 */
export class MongoConnection extends DurableObject {
  #verbs: MongoVerbs | null = null

  /** Errors do not keep their class on the way, so a failure is a value here. */
  async call(verb: keyof MongoVerbs, args: readonly unknown[]): Promise<VerbReply> {
    try {
      this.#verbs ??= driverVerbs(mongoClient(this.env.MONGO_URL ?? '').db)
      const run = this.#verbs[verb] as (...values: readonly unknown[]) => Promise<unknown>
      const json = JSON.stringify((await run(...args)) ?? null)
      return { ok: true, json: json.length > MONGO_REPLY_CHARS_MAX ? new Blob([json]).stream() : json }
    } catch (error) {
      if (!(error instanceof VerbFailure)) throw error
      // The cause stays here.
      if (error.kind !== 'duplicate')
        logLine(configOf(this.env).logLevel, 'warn', { mongo: verb, ...errorFields(error) })
      return { ok: false, kind: error.kind, message: error.message }
    }
  }
}
