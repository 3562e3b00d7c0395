import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { BSON } from 'mongodb'

/**
 * What becomes of commands from now on. `drop`: connections end at once. `error-CODE-NAME`, `writes-CODE-NAME`: a command,
 * or one that writes, is answered with the error instead of asking the server; `items-CODE-NAME`: with success, and the
 * error for the document that was to be written. `login-CODE-NAME`: so is whoever logs in. Once only: `cut` ends the
 * connection instead of passing an insertion into the log on, `lose` in the place of its answer.
 */
export interface MongoPlan {
  fault: string
}

export interface MongoFaultProxy {
  readonly port: number
  /** Ends every connection. */
  readonly cut: () => void
  stop(): Promise<void>
}

/** Stands between a driver and a server of MongoDB's wire protocol. */
export async function startMongoFaults(port: number, plan: MongoPlan): Promise<MongoFaultProxy> {
  const open = new Set<Socket>()
  const proxy = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port })
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.once('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    passOn(client, upstream, plan)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: (proxy.address() as AddressInfo).port,
    cut,
    stop: async () => {
      cut()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}

const WRITES = ['insert', 'update', 'delete']
const LOGIN = ['saslStart', 'saslContinue']
/** What clients say to keep a connection, and not for somebody. */
const OWN = ['hello', 'ismaster', 'isMaster', 'ping', 'endSessions', ...LOGIN]

function passOn(client: Socket, upstream: Socket, plan: MongoPlan): void {
  let lost: number | null = null
  const end = (): void => {
    client.destroy()
    upstream.destroy()
  }
  client.on(
    'data',
    messages((message) => {
      const { name, collection } = commandOf(message)
      const [kind, code, codeName = ''] = plan.fault.split('-')
      const isWrite = WRITES.includes(name)
      const isLog = name === 'insert' && collection === 'log'
      if (kind === 'drop') return end()
      const error = { code: Number(code), codeName, errmsg: 'the message of the server' }
      if (kind === 'login' && LOGIN.includes(name)) return void client.write(reply(message, { ok: 0, ...error }))
      if ((kind === 'error' && !OWN.includes(name)) || (kind === 'writes' && isWrite))
        return void client.write(reply(message, { ok: 0, ...error }))
      if (kind === 'items' && isWrite)
        return void client.write(reply(message, { ok: 1, n: 0, writeErrors: [{ index: 0, ...error }] }))
      if (isLog && (kind === 'cut' || kind === 'lose')) plan.fault = 'none'
      if (isLog && kind === 'cut') return end()
      if (isLog && kind === 'lose') lost = message.readInt32LE(4)
      upstream.write(message)
    }),
  )
  upstream.on(
    'data',
    messages((message) => {
      if (lost !== null && message.readInt32LE(8) === lost) return end()
      client.write(message)
    }),
  )
}

/** Splits a stream of the protocol into messages, each of which begins with its length. */
function messages(take: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0)
      take(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
  }
}

const OP_MSG = 2013
/** Length, id, the id that is answered, opcode. */
const HEADER_BYTES = 16

/** The command of a message, by name, and the collection it is for. Handshakes may still speak an older opcode. */
function commandOf(message: Buffer): { name: string; collection: unknown } {
  if (message.readInt32LE(12) !== OP_MSG) return { name: 'hello', collection: null }
  // Flags, then sections: one of kind 0, which is the command, and any number of kind 1, which are lists of documents.
  let at = HEADER_BYTES + 4
  while (message[at] === 1) at += 1 + message.readInt32LE(at + 1)
  const command = BSON.deserialize(message.subarray(at + 1, at + 1 + message.readInt32LE(at + 1)))
  const [[name, collection] = ['', null]] = Object.entries(command) as [string, unknown][]
  return { name, collection }
}

function reply(message: Buffer, document: object): Buffer {
  const body = BSON.serialize(document)
  const head = Buffer.alloc(HEADER_BYTES + 5)
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(message.readInt32LE(4), 8)
  head.writeInt32LE(OP_MSG, 12)
  return Buffer.concat([head, body])
}
