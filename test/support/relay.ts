import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Certificate } from './certificate.ts'

/** Stands between clients and a server, all of them on 127.0.0.1. */
export interface Relay {
  readonly port: number
  /** Ends every connection. */
  readonly cut: () => void
  stop(): Promise<void>
}

export interface RelayOptions {
  /** Where it listens, if not on a free port. */
  readonly port?: number
  /** Clients come with TLS, of which the server knows nothing. */
  readonly certificate?: Certificate
  /** Handles what both sides of a new connection say; otherwise all of it is passed on. */
  readonly connected?: (client: Socket, server: Socket) => void
}

/** Takes connections for the server at a port. When one side of a connection has gone, so has the other. */
export async function startRelay(
  serverPort: number,
  { port = 0, certificate, connected = passOn }: RelayOptions = {},
): Promise<Relay> {
  const open = new Set<Socket>()
  const take = (client: Socket): void => {
    const server = connect({ host: '127.0.0.1', port: serverPort })
    for (const socket of [client, server]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.once('close', () => {
        open.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    connected(client, server)
  }
  const relay = certificate
    ? createTlsServer({ cert: certificate.certificate, key: certificate.key }, take).on('tlsClientError', () => {})
    : createServer(take)
  relay.listen(port, '127.0.0.1')
  await once(relay, 'listening')
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: (relay.address() as AddressInfo).port,
    cut,
    stop: async () => {
      cut()
      relay.close()
      await once(relay, 'close')
    },
  }
}

/** Passes on what each side says to the other. */
export function passOn(client: Socket, server: Socket): void {
  client.pipe(server)
  server.pipe(client)
}
