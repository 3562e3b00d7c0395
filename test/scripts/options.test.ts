// Contract: npm start understands its options, and says in one sentence what it does not understand.
// Source: README, the options of npm start.
import { expect, it } from 'vitest'
import { parseOptions } from '../../scripts/start/options.ts'
import { Refusal } from '../../scripts/start/refusal.ts'

it('has a default for everything', () => {
  expect(parseOptions([])).toEqual({
    port: 8787,
    host: '127.0.0.1',
    data: '.pangolin',
    json: false,
    clientLocations: undefined,
    store: undefined,
    databaseUrl: undefined,
  })
})

it('reads both spellings of a value', () => {
  expect(parseOptions(['--port', '1', '--host=::1', '--data=x y', '--json', '--client-locations', 'replace'])).toEqual({
    port: 1,
    host: '::1',
    data: 'x y',
    json: true,
    clientLocations: 'replace',
    store: undefined,
    databaseUrl: undefined,
  })
  expect(parseOptions(['--json', '--help'])).toBe('help')
})

it('takes the database from the command line before the environment', () => {
  const [one, two] = ['postgres://u:p@127.0.0.1:5432/one', 'postgresql://u:p%40@127.0.0.1/two']
  expect(parseOptions(['--database-url', one], { DATABASE_URL: two })).toMatchObject({
    store: 'postgres',
    databaseUrl: one,
  })
  expect(parseOptions([], { DATABASE_URL: two })).toMatchObject({ store: 'postgres', databaseUrl: two })
  expect(parseOptions(['--store', 'd1'], { DATABASE_URL: two })).toMatchObject({ store: 'd1', databaseUrl: undefined })
  expect(parseOptions(['--store', 'postgres'])).toMatchObject({ store: 'postgres', databaseUrl: undefined })
})

it('knows the store by the URL, and of two URLs the one of the store', () => {
  const sql = 'postgres://u:p@127.0.0.1/one'
  const replicas = 'mongodb://u:p%40@a:27017,b:27017/db?replicaSet=r'
  expect(parseOptions(['--database-url', replicas])).toMatchObject({ store: 'mongo', databaseUrl: replicas })
  for (const name of ['MONGO_URL', 'DATABASE_URL'])
    expect(parseOptions([], { [name]: 'mongodb+srv://u:p@h/d' })).toMatchObject({ store: 'mongo' })
  const both = { DATABASE_URL: sql, MONGO_URL: replicas }
  expect(parseOptions(['--store', 'mongo'], both)).toMatchObject({ store: 'mongo', databaseUrl: replicas })
  expect(parseOptions(['--store', 'postgres'], both)).toMatchObject({ store: 'postgres', databaseUrl: sql })
  expect(() => parseOptions([], both)).toThrow(/^Both DATABASE_URL and MONGO_URL name a database: [^.\n]*\.$/)
  expect(parseOptions(['--store', 'mongo'], { DATABASE_URL: sql, MONGO_URL: '' })).toMatchObject({
    store: 'mongo',
    databaseUrl: undefined,
  })
})

it.each([
  [['--store', 'oracle'], '"oracle"'],
  [['--store'], '--store'],
  [['--database-url', 'mysql://u:p@h/d'], 'postgres://'],
  [['--database-url', 'mongodb://'], 'mongodb://'],
  [['--database-url', 'mongodb://h/d', '--store', 'postgres'], 'is one of mongo'],
  [['--database-url', 'postgres://h/d', '--store', 'd1'], 'is one of postgres'],
  [['--colour'], '--colour'],
  [['-p', '1'], '-p'],
  [['--port'], '--port'],
  [['--port='], '--port'],
  [['--port', '0'], '"0"'],
  [['--port', '65536'], '"65536"'],
  [['--port', '1e3'], '"1e3"'],
  [['--data', ''], '--data'],
  [['--json=no'], '--json'],
  [['--client-locations', 'maybe'], '"maybe"'],
  [['--client-locations'], '--client-locations'],
  [['--toString'], '--toString'],
  [['up'], '"up"'],
])('refuses %j in one sentence that names it', (args, named) => {
  const refused = (): unknown => parseOptions(args)
  expect(refused).toThrow(Refusal)
  expect(refused).toThrow(named)
  expect(refused).toThrow(/^[^.\n]*\.$/)
})
