// Contract: what a command copies from or to is the database that the records are in, and held by nobody else.
// Source: README, "Moving between databases"; scripts/copy/places.ts.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Folders, nameOf } from '../../../scripts/copy/places.ts'

let base: string
let folders: Folders

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'pangolin-places-')))
  folders = new Folders()
})
afterEach(async () => {
  folders.close()
  rmSync(base, { recursive: true, force: true })
})

it.runIf(process.platform === 'linux')('ends what a killed npm start has left behind', async () => {
  const data = join(base, 'data')
  const left = spawn('sleep', ['60'], { env: { ...process.env, PANGOLIN_DATA: data } })
  const ended = once(left, 'close')
  await once(left, 'spawn')
  expect(await folders.open(data)).toBe(data)
  expect(await ended).toEqual([null, 'SIGTERM'])
})

it.each([
  ['postgres://host/db?user=u&password=a@b/c', 'postgres://host/db'],
  ['postgres://u:a@b@host:1/db?sslmode=verify-full', 'postgres://host:1/db'],
  ['mongodb://u:p@one:1,two:2/db?appName=a@b', 'mongodb://one:1,two:2/db'],
])('names %s without a secret', (url, name) => {
  expect(nameOf(url)).toBe(name)
})
