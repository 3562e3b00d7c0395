import { spawn } from 'node:child_process'

/** What must hold before anything is run: the command, and what it says when it fails. */
const CHECKS = {
  format: ['oxfmt', '--check'],
  lint: ['oxlint', '--type-aware', '--deny-warnings'],
  types: ['tsc', '-p', '.'],
  tidy: ['vitest', 'run', '--project', 'node', 'test/tidy.test.ts'],
} as const

const startMs = Date.now()
const results = await Promise.all(Object.entries(CHECKS).map(([name, command]) => check(name, command)))
for (const { name, output } of results.filter(({ isClean }) => !isClean)) {
  process.stdout.write(`\n--- ${name}: ${CHECKS[name as keyof typeof CHECKS].join(' ')}\n${output}`)
}
const words = results.map(({ name, isClean }) => `${name} ${isClean ? 'ok' : 'FAILED'}`)
process.stdout.write(`${words.join(', ')} (${((Date.now() - startMs) / 1000).toFixed(1)} s)\n`)
process.exitCode = results.every(({ isClean }) => isClean) ? 0 : 1

async function check(
  name: string,
  [tool, ...args]: readonly [string, ...string[]],
): Promise<{ name: string; isClean: boolean; output: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.once('error', reject)
  child.once('close', resolve)
  return { name, isClean: (await promise) === 0, output }
}
