// Contract: nothing that a server says after it has committed is taken for a transaction that did nothing.
// Source: DESIGN §2.1 "Outcome fencing"; PostgreSQL, postgres.c: interrupts are looked for after CommandComplete.
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { ownServer } from './own-server.ts'

/** Authenticated, and ready for a query. */
const WELCOME = Buffer.from('5200000008000000005a0000000549', 'hex')

function message(type: string, text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(text.length + 4)
  return Buffer.concat([Buffer.from(type), length, Buffer.from(text, 'latin1')])
}

function error(severity: string, code: string): Buffer {
  return message('E', `S${severity}\0V${severity}\0C${code}\0Msaid too late\0\0`)
}

const COMPLETE = ['BEGIN', 'SET', 'INSERT 0 1', 'COMMIT'].map((command) => message('C', `${command}\0`))

const AFTERWARDS: readonly [string, readonly Buffer[]][] = [
  ['the end of the connection', []],
  ...['57014', '55P03', '40001', '23505', '42501', 'PG409', '53100'].map((code): [string, Buffer[]] => [
    `the error ${code}`,
    [error('ERROR', code), message('Z', 'I')],
  ]),
  ...['57P01', '57P03', '53300', '28000'].map((code): [string, Buffer[]] => [
    `a fatal ${code}`,
    [error('FATAL', code)],
  ]),
]

it.each(AFTERWARDS)('%s after the commit leaves open what became of it', async (_, afterwards) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(WELCOME)
      socket.once('data', () => socket.end(Buffer.concat([...COMPLETE, ...afterwards])))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const db = tcpDatabase(`postgres://u:p@127.0.0.1:${(server.address() as AddressInfo).port}/d`)
  try {
    const told = await db.write([{ sql: 'INSERT', params: [] }]).catch((failure: unknown) => failure)
    expect(told).toBeInstanceOf(Error)
    expect(db.failureOf(told)).toEqual({ kind: 'unknown' })
  } finally {
    await db.close()
    server.close()
  }
})

it('a cancellation that comes while a real server commits is never told as nothing done', async () => {
  const settings = { fsync: 'on', commit_delay: '100000', commit_siblings: '0', log_min_duration_statement: '0' }
  const server = await ownServer(settings)
  try {
    const { db, client } = await server.emptyDatabase()
    await client.query('CREATE TABLE t (id int PRIMARY KEY)')
    // Only what is to be cancelled waits for its flush.
    await client.query('SET synchronous_commit = off')
    const told = new Map<string, number>()
    for (let id = 0; id < 12; id += 1) {
      const done = db.write([{ sql: `INSERT INTO t VALUES (${id})`, params: [] }]).then(
        () => 'done',
        (failure: unknown) => db.failureOf(failure).kind,
      )
      await new Promise((resolve) => setTimeout(resolve, 30 + 5 * id))
      await client.query(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'`,
      )
      const kind = await done
      const { rowCount } = await client.query('SELECT 1 FROM t WHERE id = $1', [id])
      const outcome = `${kind}, ${rowCount === 1 ? 'and it is there' : 'and it is not there'}`
      told.set(outcome, (told.get(outcome) ?? 0) + 1)
    }
    const lies = [...told.keys()].filter((outcome) => !/^(unknown|done, and it is there$)/.test(outcome))
    expect(lies).toEqual([])
    expect([...told.keys()].some((outcome) => outcome.endsWith('it is there'))).toBe(true)
  } finally {
    await server.stop()
  }
})
