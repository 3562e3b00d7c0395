import type { Socket } from 'node:net'
import { startRelay, type Relay } from '#test/support/relay'
import { answeredBy, bodyOf, HANDSHAKE, idOf, messages, reply } from './wire.ts'

/**
 * What becomes of commands from now on. `drop`: connections end at once. `error-CODE-NAME`, `writes-CODE-NAME`: a command,
 * or one that writes, is answered with the error instead of asking the server; `items-CODE-NAME`: with success, and the
 * error for the document that was to be written. `login-CODE-NAME`: so is whoever logs in. Once only: `cut` ends the
 * connection instead of passing an insertion into the log on, `lose` in the place of its answer.
 */
export interface MongoPlan {
  fault: string
}

/** Stands between a driver and a server of MongoDB's wire protocol. */
export function startMongoFaults(port: number, plan: MongoPlan): Promise<Relay> {
  return startRelay(port, { connected: (client, server) => suffer(client, server, plan) })
}

const WRITES = ['insert', 'update', 'delete']
const LOGIN = ['saslStart', 'saslContinue']

function suffer(client: Socket, server: Socket, plan: MongoPlan): void {
  let lost: number | null = null
  const end = (): void => {
    client.destroy()
    server.destroy()
  }
  client.on(
    'data',
    messages((message) => {
      const [[name, collection] = ['', null]] = Object.entries<unknown>(bodyOf(message) ?? { hello: 1 })
      const [kind, code, codeName = ''] = plan.fault.split('-')
      const isWrite = WRITES.includes(name)
      const isLog = name === 'insert' && collection === 'log'
      if (kind === 'drop') return end()
      const error = { code: Number(code), codeName, errmsg: 'the message of the server' }
      if (kind === 'login' && LOGIN.includes(name)) return void client.write(reply(message, { ok: 0, ...error }))
      if ((kind === 'error' && !HANDSHAKE.includes(name)) || (kind === 'writes' && isWrite))
        return void client.write(reply(message, { ok: 0, ...error }))
      if (kind === 'items' && isWrite)
        return void client.write(reply(message, { ok: 1, n: 0, writeErrors: [{ index: 0, ...error }] }))
      if (isLog && (kind === 'cut' || kind === 'lose')) plan.fault = 'none'
      if (isLog && kind === 'cut') return end()
      if (isLog && kind === 'lose') lost = idOf(message)
      server.write(message)
    }),
  )
  server.on(
    'data',
    messages((message) => {
      if (lost !== null && answeredBy(message) === lost) return end()
      client.write(message)
    }),
  )
}
