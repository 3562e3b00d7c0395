import { setTimeout as delay } from 'node:timers/promises'
import { Refusal } from './refusal.ts'
import { SECRETS_FILE } from './secrets.ts'

const POLL_MS = 50
const READY_MS_MAX = 60_000

/** The database knows another administrator than the data folder. */
export class WrongPassword extends Refusal {}

/**
 * Resolves with a token of `admin` once an engine would succeed: the store answers, the login works and the catalog
 * `demo` answers its configuration to the token.
 */
export async function untilReady(uri: string, password: string, data: string, stop: AbortSignal): Promise<string> {
  const end = Date.now() + READY_MS_MAX
  let last = 'nothing answers'
  while (Date.now() < end) {
    const answer = await tryOnce(uri, password, data, stop)
    if (answer.token !== undefined) {
      return answer.token
    }
    last = answer.problem
    await delay(POLL_MS, undefined, { signal: stop })
  }
  throw new Refusal(`The server at ${uri} was not ready within ${READY_MS_MAX / 1000} s: ${last}.`)
}

type Answer = { readonly token: string } | { readonly token?: undefined; readonly problem: string }

async function tryOnce(uri: string, password: string, data: string, stop: AbortSignal): Promise<Answer> {
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
      throw new WrongPassword(
        `The server at ${uri} does not accept the password of admin that ${data}/${SECRETS_FILE} keeps.`,
      )
    }
    if (login.status !== 200) {
      return { problem: `the login of admin answers ${login.status}` }
    }
    const { token } = await login.json<{ token: string }>()
    const headers = { authorization: `Bearer ${token}` }
    const config = await fetch(`${uri}/v1/config?warehouse=demo`, { headers, signal: stop })
    await config.body?.cancel()
    return config.status === 200 ? { token } : { problem: `the catalog demo answers ${config.status}` }
  } catch (error) {
    stop.throwIfAborted()
    if (error instanceof Refusal) {
      throw error
    }
    return { problem: 'nothing answers' }
  }
}
