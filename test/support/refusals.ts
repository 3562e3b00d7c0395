import { expect } from 'vitest'
import type { Answer, TestCatalog } from './catalog.ts'

/** All that a refused request could have changed: rows, history, files. */
export async function changeableOf({ store, tenantId, objects }: TestCatalog): Promise<string> {
  const tenant = store.tenant(tenantId)
  const { place } = await tenant.read({ at: { catalog: 'demo', ref: 'main' } })
  const { records } = await tenant.history.audit({ limit: 1 })
  return JSON.stringify([place?.branch.headSeq, records, [...objects.files.keys()].toSorted()])
}

/** That the answer is an error of the Iceberg REST API, with a message that says something. */
export function expectRefusal(answer: Answer, status: number, type: string, message?: RegExp): void {
  expect([answer.status, answer.json?.error?.type, answer.text]).toEqual([status, type, answer.text])
  expect(Object.keys(answer.json)).toEqual(['error'])
  expect(answer.json.error.code).toBe(status)
  expect(answer.json.error.message.length).toBeGreaterThan(10)
  if (message) expect(answer.json.error.message).toMatch(message)
}
