import { createServer } from 'node:net'
import { Refusal } from './refusal.ts'

const LOOPBACK = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])

/** The origin a client on this machine uses, without a trailing slash. */
export function originOf(host: string, port: number): string {
  const name = LOOPBACK.get(host) ?? host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

/** Refuses a port that somebody else listens on: wrangler would silently take another one. */
export async function refuseBusyPort(host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const probe = createServer()
  probe.once('error', (error: NodeJS.ErrnoException) => reject(new Refusal(sentence(error, host, port))))
  probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()))
  await promise
}

function sentence(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} of ${host} is in use: stop what listens there, or choose another with --port.`
    case 'EACCES':
      return `Port ${port} of ${host} is reserved for the system's administrator: choose another with --port.`
    default:
      return `The address ${host} is none of this machine's: choose another with --host.`
  }
}
