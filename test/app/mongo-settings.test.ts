// Contract: STORE and the MONGO settings choose the database and how it is reached; what is missing is named, no secret is.
// Source: src/config.ts; src/mongo-verbs.ts; src/env.d.ts.
import { describe, expect, it } from 'vitest'
import { settingsProblem } from '#src/config'
import { newCost } from '#src/meter'
import { endpointOf, mongoVerbsOf } from '#src/mongo-verbs'

const url = 'https://data.example.com/v1/'

function settings(over: Partial<Cloudflare.Env>): Cloudflare.Env {
  return over as Cloudflare.Env
}

function problemOf(read: () => unknown): string | null {
  try {
    read()
    return null
  } catch (error) {
    return settingsProblem(error)
  }
}

describe('the endpoint of the Data API', () => {
  it.each<[string, Partial<Cloudflare.Env>, object]>([
    ['an API key', { MONGO_API_KEY: 'k' }, { kind: 'api-key', key: 'k' }],
    ['a token', { MONGO_TOKEN: 't' }, { kind: 'bearer', token: 't' }],
    ['a password', { MONGO_USERNAME: 'u', MONGO_PASSWORD: 'p' }, { kind: 'basic', username: 'u', password: 'p' }],
  ])('is reached with %s', (_, over, credentials) => {
    expect(endpointOf(settings({ MONGO_DATA_API_URL: url, ...over }))).toEqual({
      url: 'https://data.example.com/v1',
      credentials,
      dataSource: '',
      database: 'pangolin',
    })
  })

  it('needs to know who asks', () => {
    expect(problemOf(() => endpointOf(settings({ MONGO_DATA_API_URL: url, MONGO_USERNAME: 'u' })))).toMatch(
      /MONGO_API_KEY, MONGO_TOKEN/,
    )
  })

  it('is not there unless it is set', () => {
    expect(endpointOf(settings({}))).toBeNull()
  })
})

describe('the driver', () => {
  it('needs a connection string and a binding', () => {
    expect(problemOf(() => mongoVerbsOf(settings({ MONGO_URL: 'mongodb://u:secret@h/' }), newCost()))).toMatch(
      /^MONGO_URL or MONGO_DATA_API_URL must be set(?!.*secret)/,
    )
  })
})
