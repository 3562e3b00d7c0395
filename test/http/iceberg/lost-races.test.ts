// Contract: a change that no lane puts in order is tried again while others win, and ends as 409, never as 5xx.
// Source: DESIGN 5 "never a 5xx for a lost race", 2.2 (a lost race re-reads and tries again).
import { beforeEach, describe, expect, it } from 'vitest'
import { UNQUEUED_RETRIES_MAX } from '#src/limits'
import type { Answer } from '#test/support/catalog'
import { openLake, type Lake } from '#test/support/lake'
import { replaceRequest, viewRequest } from '#test/support/views'

const NAMESPACES = '/v1/demo/namespaces'
const RENAME = { source: { namespace: ['ns'], name: 'a' }, destination: { namespace: ['ns'], name: 'z' } }

let lake: Lake

beforeEach(async () => {
  lake = await openLake()
  await lake.post(`${NAMESPACES}/ns/views`, viewRequest('v'))
})

/** As many commits as that find that somebody else has just moved the row. */
function lose(races: number): void {
  let lost = 0
  lake.faults = (real) => ({
    async commit(commit) {
      lost += 1
      return lost <= races ? { outcome: 'conflict', change: commit.changes.length - 1 } : real.commit(commit)
    },
  })
}

describe.each<[string, string, string, unknown]>([
  ['properties of a namespace', 'POST', `${NAMESPACES}/ns/properties`, { updates: { a: '1' }, removals: [] }],
  ['drop of a namespace', 'DELETE', `${NAMESPACES}/other`, undefined],
  ['drop of a table', 'DELETE', `${NAMESPACES}/ns/tables/a`, undefined],
  ['rename of a table', 'POST', '/v1/demo/tables/rename', RENAME],
  ['new version of a view', 'POST', `${NAMESPACES}/ns/views/v`, replaceRequest('select 2')],
])('the %s', (_, method, path, body) => {
  const send = (): Promise<Answer> => lake.catalog.call(lake.catalog.admin, method, path, body)

  it('is made once the others let it', async () => {
    lose(UNQUEUED_RETRIES_MAX - 1)
    expect([200, 204]).toContain((await send()).status)
  })

  it('is refused as lost, and nothing has changed, when they never do', async () => {
    const before = await lake.everything()
    lose(UNQUEUED_RETRIES_MAX)
    const { status, json } = await send()
    expect([status, json.error.type]).toEqual([409, 'CommitFailedException'])
    expect(await lake.everything()).toBe(before)
  })
})

it('properties that others have set meanwhile stay beside those of whoever lost to them', async () => {
  let others = 0
  lake.faults = (real) => ({
    async commit(commit) {
      others += 1
      if (others % 2 === 1 && others < 20)
        await lake.post(`${NAMESPACES}/ns/properties`, { updates: { [`other${others}`]: '1' }, removals: [] })
      return real.commit(commit)
    },
  })
  expect((await lake.post(`${NAMESPACES}/ns/properties`, { updates: { mine: '1' }, removals: [] })).status).toBe(200)
  const { json } = await lake.catalog.call(lake.catalog.admin, 'GET', `${NAMESPACES}/ns`)
  expect(json.properties).toMatchObject({ mine: '1', other1: '1', other19: '1' })
})
