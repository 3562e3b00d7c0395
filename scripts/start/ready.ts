import { setTimeout as delay } from 'node:timers/promises'
import { Refusal } from './refusal.ts'
import { SECRETS_FILE } from './secrets.ts'

const POLL_MS = 50
const READY_MS_MAX = 60_000

/**
 * Resolves with a token of `admin` once an engine would succeed: the store answers, the login works and the catalog
 * `demo` answers its configuration to the token. `lost` knows better why a password is not accepted, or answers null.
 */
export async function untilReady(
  uri: string,
  password: string,
  data: string,
  lost: () => Promise<Refusal | null>,
  stop: AbortSignal,
): Promise<string> {
  const end = Date.now() + READY_MS_MAX
  let last = 'nothing answers'
  while (Date.now() < end) {
    const answer = await tryOnce(uri, password, stop)
    if (answer.token !== undefined) {
      return answer.token
    }
    last = answer.problem
    if (last === NOT_ACCEPTED) {
      const sentence = `The server at ${uri} does not accept the password of admin that ${data}/${SECRETS_FILE} keeps.`
      throw (await lost()) ?? new Refusal(sentence)
    }
    await delay(POLL_MS, undefined, { signal: stop })
  }
  throw new Refusal(`The server at ${uri} was not ready within ${READY_MS_MAX / 1000} s: ${last}.`)
}

const NOT_ACCEPTED = 'the password of admin is not accepted'

type Answer = { readonly token: string } | { readonly token?: undefined; readonly problem: string }

async function tryOnce(uri: string, password: string, stop: AbortSignal): Promise<Answer> {
  try {
    const ready = await fetch(`${uri}/health/ready`, { signal: stop })
    await ready.body?.cancel()
    if (ready.status !== 200) {
      return { problem: `/health/ready answers ${ready.status}` }
    }
    const login = await fetch(`${uri}/api/v1/users/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'admin', password }),
      signal: stop,
    })
    if (login.status === 401) {
      return { problem: NOT_ACCEPTED }
    }
    if (login.status !== 200) {
      return { problem: `the login of admin answers ${login.status}` }
    }
    const { token } = await login.json<{ token: string }>()
    const headers = { authorization: `Bearer ${token}` }
    const config = await fetch(`${uri}/v1/config?warehouse=demo`, { headers, signal: stop })
    await config.body?.cancel()
    return config.status === 200 ? { token } : { problem: `the catalog demo answers ${config.status}` }
  } catch {
    stop.throwIfAborted()
    return { problem: 'nothing answers' }
  }
}
