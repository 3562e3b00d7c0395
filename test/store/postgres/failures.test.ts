// Contract: what an error means for the transaction it ended: only what surely did nothing is said to have done nothing.
// Source: PostgreSQL, Appendix A "Error Codes"; Hyperdrive, "Troubleshoot and debug"; DESIGN §2.1 "Outcome fencing".
import { expect, it } from 'vitest'
import { failureOf, NotConnected, NotSent } from '#store/sql/postgres/failures'

function sent(code: string, over: object = {}): Error {
  return Object.assign(new Error('the message of the server'), { severity: 'ERROR', code, ...over })
}

it.each(['55P03', '40001', '40P01', '25P02', '42P05', '26000'])('%s is worth another attempt', (code) => {
  expect(failureOf(sent(code))).toEqual({ kind: 'again' })
  expect(failureOf(new Error('wrapped', { cause: sent(code) }))).toEqual({ kind: 'again' })
})

it.each<[string, unknown]>([
  ['a connection that ended', new Error('Connection terminated unexpectedly')],
  ['a socket that is closed, whose code looks like one of the server', sent('EPIPE', { severity: undefined })],
  ['a server that is shut down', sent('57P01', { severity: 'FATAL' })],
  ['a server that crashed', sent('57P02', { severity: 'FATAL' })],
  ['a fatal error, whatever it is', sent('40001', { severity: 'FATAL' })],
  ['a transaction whose commit is uncertain', sent('40003')],
  ['a cancelled statement, which may have been the commit', sent('57014')],
  ['a protocol that broke', sent('08P01')],
  ['a proxy that failed', sent('58000')],
  ['a panic in another language', sent('58030', { severity: 'PANIK' })],
  ['a full disk that may have been a panic', sent('53100', { severity: 'ПАНИКА' })],
  ['a timeout of ours', new Error('The catalog database did not answer within 15000 ms')],
])('%s leaves open what became of the transaction', (_, error) => {
  expect(failureOf(error)).toEqual({ kind: 'unknown' })
})

it.each<[string, unknown, RegExp]>([
  [
    'Hyperdrive without a connection',
    sent('58000', { message: 'Failed to acquire a connection from the pool.' }),
    /no connection to spare/,
  ],
  [
    'Hyperdrive without a server',
    sent('58000', { message: 'Server connection attempt failed: connection_refused' }),
    /no connection to spare/,
  ],
  ['the proxy of Neon', new Error("password authentication failed for user 'x'"), /user or the password/],
  [
    'a connection string that is none',
    new NotConnected('No connection', { cause: new URIError('URI malformed') }),
    /percent-encoded/,
  ],
  [
    'a pool whose connections are all in use',
    new NotConnected('No connection', { cause: new Error('timeout exceeded when trying to connect') }),
    /no connection to spare/,
  ],
  [
    'a host that is not there',
    new NotConnected('No connection', { cause: new Error('ECONNREFUSED') }),
    /cannot be reached/,
  ],
  ['a full disk', sent('53100'), /no disk space/],
  ['a replica', sent('0A000'), /takes no writes/],
  ['an older schema', sent('42703'), /run the migrations/],
])('%s is said in words', (_, error, reason) => {
  expect(failureOf(error)).toEqual({ kind: 'unavailable', reason: expect.stringMatching(reason) as string })
})

it('a row of a client’s that quotes an error is none', () => {
  const text = { message: 'duplicate key: Failed to acquire a connection from the pool', table: 'record' }
  expect(failureOf(sent('23505', text))).toEqual({ kind: 'taken', table: 'record' })
})

it('a mistake of ours is no reason to try again, and a request that never left is', () => {
  expect(failureOf(sent('42601'))).toEqual({ kind: 'refused' })
  expect(failureOf(new NotSent('lost'))).toEqual({ kind: 'again' })
})
