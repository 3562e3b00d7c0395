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
  })
})

it('reads both spellings of a value', () => {
  expect(parseOptions(['--port', '1', '--host=::1', '--data=x y', '--json', '--client-locations', 'replace'])).toEqual({
    port: 1,
    host: '::1',
    data: 'x y',
    json: true,
    clientLocations: 'replace',
  })
  expect(parseOptions(['--json', '--help'])).toBe('help')
})

it.each([
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
