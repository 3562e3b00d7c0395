import type { Socket } from 'node:net'
import { startRelay, type Relay } from '#test/support/relay'

/**
 * Where a connection meets its fault, as its `application_name` says: `request-N` cuts it when N messages of the client
 * have been passed on, `answer-N` when N messages of the server have, each counted from the first transaction on;
 * `error-CODE` answers a transaction with the error instead of asking the server, `writes-CODE` only one that writes, and
 * `refuse-CODE` the connection itself. `lose` passes a transaction that writes on, and ends the connection in the place of
 * its answer, `drop` ends it at once.
 */
interface Fault {
  readonly kind: (typeof KINDS)[number] | 'none'
  readonly at: string
}

const KINDS = ['request', 'answer', 'error', 'writes', 'refuse', 'lose', 'drop'] as const

/** The fault of all connections that begin from now on, whatever they are named. */
export interface Plan {
  fault: string
}

/**
 * Stands between the Worker and a PostgreSQL.
 * @param listen its own port, if that is not to be a free one
 */
export function startPostgresFaults(port: number, { plan, listen = 0 }: FaultOptions): Promise<Relay> {
  return startRelay(port, { port: listen, connected: (client, server) => suffer(client, server, plan) })
}

interface FaultOptions {
  readonly plan?: Plan
  readonly listen?: number
}

function suffer(client: Socket, server: Socket, plan: Plan | undefined): void {
  let fault: Fault = { kind: 'none', at: '' }
  let isReady = false
  /** Whether the fault is for the transaction that is under way; and whether that is about to end. */
  let isStruck = false
  let isEnding = false
  let requests = 0
  let answers = 0
  const cut = (): void => {
    // What was passed on still arrives.
    client.end()
    server.end()
  }
  const fromClient = messages(true, (message, isStartup) => {
    const type = String.fromCharCode(message[0] ?? 0)
    if (isStartup) fault = faultOf(plan?.fault ?? applicationOf(message))
    else if (message.includes('BEGIN')) {
      isStruck = fault.kind === 'error' || message.includes('READ WRITE')
    }
    if (fault.kind === 'drop') client.destroy()
    else if (fault.kind === 'refuse') client.end(errorMessage('FATAL', fault.at))
    else if (!isReady || fault.kind === 'none' || fault.kind === 'answer') server.write(message)
    else if (fault.kind === 'error' || fault.kind === 'writes') {
      if (!isStruck) server.write(message)
      else if (type === 'S' || type === 'Q') {
        client.write(errorMessage('ERROR', fault.at))
        isStruck = false
      }
    } else if (fault.kind === 'lose') {
      const isLast = isStruck && (message.includes('COMMIT') || isEnding)
      isEnding = isLast
      server.write(message)
      if (isLast && (type === 'S' || type === 'Q')) {
        if (plan) plan.fault = 'none'
        cut()
      }
    } else if (requests === Number(fault.at)) cut()
    else {
      requests += 1
      server.write(message)
    }
  })
  const fromServer = messages(false, (message) => {
    const isCounted = isReady && fault.kind === 'answer'
    if (isCounted && answers === Number(fault.at)) cut()
    else {
      if (isCounted) answers += 1
      if (String.fromCharCode(message[0] ?? 0) === 'Z') isReady = true
      client.write(message)
    }
  })
  client.on('data', fromClient)
  server.on('data', fromServer)
}

/** Splits a stream of the protocol into messages: a type, four bytes of length, and as much as that. The first has no type. */
export function messages(
  hasStartup: boolean,
  take: (message: Buffer, isStartup: boolean) => void,
): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  let isStartup = hasStartup
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const head = isStartup ? 0 : 1
      if (rest.length < head + 4) return
      const end = head + rest.readUInt32BE(head)
      if (rest.length < end) return
      const message = rest.subarray(0, end)
      rest = rest.subarray(end)
      take(message, isStartup)
      isStartup = false
    }
  }
}

function applicationOf(startup: Buffer): string {
  const words = startup.subarray(8).toString('latin1').split('\0')
  return words[words.indexOf('application_name') + 1] ?? ''
}

function faultOf(text: string): Fault {
  const [kind, at] = text.split('-')
  const known = KINDS.find((each) => each === kind)
  return { kind: known ?? 'none', at: at ?? '' }
}

/** An error, and that the server is ready for the next statement of a failed transaction. */
function errorMessage(severity: string, code: string): Buffer {
  const fields = `S${severity}\0V${severity}\0C${code}\0Mthe message of the server with the secret\0\0`
  const error = Buffer.concat([Buffer.from('E'), length(fields.length), Buffer.from(fields, 'latin1')])
  return severity === 'FATAL' ? error : Buffer.concat([error, Buffer.from('Z'), length(1), Buffer.from('E')])
}

function length(bytes: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(bytes + 4)
  return buffer
}
