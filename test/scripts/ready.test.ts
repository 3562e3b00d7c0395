// Contract: npm start is ready once an engine would succeed, and ends at once if that can't be, with a reason that is true.
// Source: README, "npm start"; scripts/start/ready.ts.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { untilReady } from '../../scripts/start/ready.ts'
import { Refusal } from '../../scripts/start/refusal.ts'

let server: Server
let uri: string
let statuses: Record<string, number[]>

beforeEach(async () => {
  server = createServer((request, response) => {
    const left = statuses[request.url?.split('?')[0] ?? ''] ?? []
    response.writeHead((left.length > 1 ? left.shift() : left[0]) ?? 404).end('{"token":"t"}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(() => {
  server.close()
  server.closeAllConnections()
})

async function ready(lost: () => Promise<Refusal | null> = async () => null): Promise<string> {
  return untilReady(uri, 'password', 'data', lost, new AbortController().signal)
}

it('waits for the store, the login and the catalog', async () => {
  statuses = { '/health/ready': [503, 200], '/api/v1/users/login': [500, 200], '/v1/config': [404, 200] }
  expect(await ready()).toBe('t')
  expect(Object.values(statuses)).toEqual([[200], [200], [200]])
})

it('says that the password is not accepted, or why that is so if somebody knows', async () => {
  statuses = { '/health/ready': [200], '/api/v1/users/login': [401] }
  await expect(ready()).rejects.toThrow(
    `The server at ${uri} does not accept the password of admin that data/secrets.json keeps.`,
  )
  const lost = new Refusal('It is the database of others.')
  await expect(ready(async () => lost)).rejects.toBe(lost)
})
