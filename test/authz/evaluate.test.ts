// Contract: deny by default; grants count for everything inside their object; what nobody granted looks missing.
// Source: DESIGN 2.4, "Deny by default. Missing and forbidden look the same"; Pangolin's actions and what they imply.
import { describe, expect, it } from 'vitest'
import { decide, seesCatalog, type Principal, type ScopeChain } from '#authz/evaluate'
import type { GrantAction, GrantScope, Role } from '#domain/records'

const catalog: GrantScope = { type: 'catalog', catalogId: 'c' }
const namespace: GrantScope = { type: 'namespace', catalogId: 'c', objectId: 'n' }
const table: GrantScope = { type: 'asset', catalogId: 'c', objectId: 't' }
const chain: ScopeChain = [{ type: 'tenant' }, catalog, namespace, table]

function holding(scope: GrantScope, ...actions: GrantAction[]): Principal {
  return { role: 'tenant-user', grants: [{ id: 'g', userId: 'u', scope, actions, createdAt: '2026-01-01T00:00:00Z' }] }
}

describe('decide', () => {
  it('hides everything from a user without grants', () => {
    expect(decide({ role: 'tenant-user', grants: [] }, ['read'], chain)).toBe('hidden')
    expect(decide(holding(table), ['list'], chain)).toBe('hidden')
  })

  it.each<[string, GrantScope]>([
    ['tenant', { type: 'tenant' }],
    ['catalog', catalog],
    ['namespace', namespace],
    ['table', table],
  ])('lets a grant on the %s reach the table', (_, scope) => {
    expect(decide(holding(scope, 'read'), ['read'], chain)).toBe('allowed')
  })

  it('does not let a grant reach beside or above its object', () => {
    const reader = holding(table, 'all')
    expect(decide(reader, ['list'], chain.slice(0, 3))).toBe('hidden')
    const other: GrantScope = { type: 'asset', catalogId: 'c', objectId: 'other' }
    expect(decide(reader, ['read'], [...chain.slice(0, 3), other])).toBe('hidden')
    expect(decide(holding({ type: 'catalog', catalogId: 'x' }, 'all'), ['read'], chain)).toBe('hidden')
  })

  it('takes an id for what it is: a namespace with the id of a table is not that table', () => {
    const sameId: GrantScope = { type: 'namespace', catalogId: 'c', objectId: 't' }
    expect(decide(holding(sameId, 'all'), ['read'], chain)).toBe('hidden')
    expect(decide(holding({ ...table, catalogId: 'x' }, 'all'), ['read'], chain)).toBe('hidden')
  })

  it.each<[GrantAction, GrantAction[], GrantAction[]]>([
    ['list', ['list'], ['read', 'update', 'delete', 'create']],
    ['read', ['read', 'list'], ['update', 'delete', 'create']],
    ['create', ['create'], ['read', 'list', 'update', 'delete']],
    ['write', ['read', 'list', 'create', 'update', 'delete'], []],
    ['all', ['read', 'list', 'create', 'update', 'delete', 'write'], []],
  ])('%s implies %j and not %j', (held, implied, not) => {
    for (const action of implied) expect(decide(holding(table, held), [action], chain)).toBe('allowed')
    for (const action of not) expect(decide(holding(table, held), [action], chain)).toBe('forbidden')
  })

  it('wants all of the actions', () => {
    expect(decide(holding(table, 'read', 'update'), ['read', 'update', 'delete'], chain)).toBe('forbidden')
  })

  it.each<Role>(['root', 'tenant-admin'])('lets %s do everything', (role) => {
    expect(decide({ role, grants: [] }, ['all'], chain)).toBe('allowed')
  })
})

describe('seesCatalog', () => {
  it('is true with any grant in the catalog, and false with grants elsewhere or without actions', () => {
    expect(seesCatalog(holding(table, 'read'), 'c')).toBe(true)
    expect(seesCatalog(holding({ type: 'tenant' }, 'list'), 'c')).toBe(true)
    expect(seesCatalog(holding(table, 'read'), 'other')).toBe(false)
    expect(seesCatalog(holding(table), 'c')).toBe(false)
  })
})
