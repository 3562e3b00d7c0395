import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import type { Certificate } from './certificate.ts'

/** Takes connections with TLS, and passes on what is in them to a port that knows nothing of it. */
export async function startTlsProxy(
  { certificate, key }: Certificate,
  port: number,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const open = new Set<{ destroy(): void }>()
  const proxy = createServer({ cert: certificate, key }, (client) => {
    const upstream = connect({ host: '127.0.0.1', port })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(one)
      one.on('error', () => {})
      one.once('close', () => {
        open.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  proxy.on('tlsClientError', () => {})
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as AddressInfo).port,
    stop: async () => {
      for (const one of open) one.destroy()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
