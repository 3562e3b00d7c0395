// Contract: a data folder is held by one process, keeps its secrets for its owner, and is usable after any crash.
// Source: README, the options of npm start; scripts/start/data-folder.ts.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDataFolder } from '../../scripts/start/data-folder.ts'
import { loadSecrets, writeWorkerSettings } from '../../scripts/start/secrets.ts'

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'pangolin-folder-'))
})
afterEach(() => rmSync(base, { recursive: true }))

it('is made for its owner alone, parents included', () => {
  const folder = openDataFolder(join(base, 'a', 'b'))
  expect(modeOf(folder.path)).toBe(0o700)
  expect(JSON.parse(readFileSync(join(folder.path, 'format.json'), 'utf8'))).toEqual({ format: 1 })
  folder.close()
})

it('is held by one at a time', () => {
  const folder = openDataFolder(base)
  expect(() => openDataFolder(base)).toThrow(/^Another npm start is using the data folder/)
  folder.close()
  openDataFolder(base).close()
})

it('is free again once its holder was killed', () => {
  const holder = `import { openDataFolder } from '${join(process.cwd(), 'scripts', 'start', 'data-folder.ts')}'
    openDataFolder(process.argv[1])
    process.kill(process.pid, 'SIGKILL')`
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', holder, base])
  expect(signal).toBe('SIGKILL')
  openDataFolder(base).close()
})

it('is finished after a crash that left only the beginnings', () => {
  writeFileSync(join(base, 'lock'), '')
  writeFileSync(join(base, 'format.json.tmp'), '{"for')
  openDataFolder(base).close()
  expect(existsSync(join(base, 'format.json'))).toBe(true)
})

it.each([
  ['a newer format', { 'format.json': '{"format":2}' }, /newer version \(format 2, this one knows 1\)/],
  ['no format', { 'format.json': '{}' }, /names no format/],
  ['a format that is not JSON', { 'format.json': '{"form' }, /cannot be used/],
  ['other things', { 'thesis.txt': '' }, /holds other files/],
])('refuses %s and leaves it as it was', (_what, files, sentence) => {
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(base, name), text)
  }
  expect(() => openDataFolder(base)).toThrow(sentence)
  for (const [name, text] of Object.entries(files)) {
    expect(readFileSync(join(base, name), 'utf8')).toBe(text)
  }
})

it('cannot lie below a file', () => {
  writeFileSync(join(base, 'file'), '')
  expect(() => openDataFolder(join(base, 'file'))).toThrow(/cannot be used: file already exists\.$/)
  expect(() => openDataFolder(join(base, 'file', 'below'))).toThrow(/cannot be used: not a directory\.$/)
})

it('keeps its secrets, in files for their owner alone', () => {
  mkdirSync(join(base, 'other'))
  const secrets = loadSecrets(base)
  expect(loadSecrets(base)).toEqual(secrets)
  expect(loadSecrets(join(base, 'other')).adminPassword).not.toBe(secrets.adminPassword)
  expect(secrets.signingKeys.keys).toMatchObject([{ kty: 'EC', crv: 'P-256', alg: 'ES256' }])
  const settings = writeWorkerSettings(base, secrets)
  expect([modeOf(join(base, 'secrets.json')), modeOf(settings)]).toEqual([0o600, 0o600])
  expect(readFileSync(settings, 'utf8')).not.toMatch(/\$|'.*'.*'/)
})

function modeOf(path: string): number {
  return statSync(path).mode & 0o777
}
