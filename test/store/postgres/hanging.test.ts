// Contract: a connection that hangs is given up in time, so that those who come next get others.
// Source: DESIGN §2.2 (a lane holds its connections for as long as it lives); PostgreSQL, "Message Formats".
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { POSTGRES_CONNECTIONS_MAX, STORE_CALL_MS_MAX } from '#src/limits'

/** Authenticated, and ready for a query. */
const WELCOME = Buffer.from('5200000008000000005a0000000549', 'hex')

afterEach(() => vi.useRealTimers())

it('a server that never answers does not use up the pool', async () => {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => socket.write(WELCOME))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const db = tcpDatabase(`postgres://u:p@127.0.0.1:${(server.address() as AddressInfo).port}/d?query_timeout=0`)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const ask = async (): Promise<unknown> => db.write([{ sql: 'SELECT 1', params: [] }]).catch((error: unknown) => error)
  const seen = async (count: number): Promise<void> => {
    while (sockets.length < count || sockets.some(({ bytesRead }) => bytesRead < 100))
      await new Promise((resolve) => void setImmediate(resolve))
  }
  try {
    const hanging = Array.from({ length: POSTGRES_CONNECTIONS_MAX }, ask)
    await seen(POSTGRES_CONNECTIONS_MAX)
    await vi.advanceTimersByTimeAsync(STORE_CALL_MS_MAX)
    const errors = await Promise.all(hanging)
    expect(errors.map((error) => db.failureOf(error).kind)).toEqual(hanging.map(() => 'unknown'))
    const next = ask()
    await seen(POSTGRES_CONNECTIONS_MAX + 1)
    await vi.advanceTimersByTimeAsync(STORE_CALL_MS_MAX)
    expect(db.failureOf(await next)).toEqual({ kind: 'unknown' })
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
})
