// Contract: the repository keeps its own rules where no linter looks: sizes, layers, pins, addresses, unfinished work.
// Source: STYLE; DESIGN 4; README.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Everything at the top level is there for a reason. */
const TOP_LEVEL: Readonly<Record<string, string>> = {
  '.ci': 'what the build server runs',
  '.git': 'the history',
  '.gitignore': 'what an install, a start and a test leave behind',
  '.npmrc': 'keeps download addresses out of the lockfile',
  '.oxfmtrc.json': 'the formatter',
  '.oxlintrc.json': 'the linter, with the layer rule',
  'drizzle.config.ts': 'drizzle-kit, which writes the migrations',
  LICENSE: 'Apache-2.0',
  'README.md': 'the way in',
  drizzle: 'Postgres migrations',
  migrations: 'D1 migrations',
  'package.json': 'commands, dependencies, import names',
  'package-lock.json': 'every version, with its checksum',
  scripts: 'what the commands run',
  src: 'the Worker',
  test: 'its tests',
  'tsconfig.json': 'the compiler',
  'vitest.config.ts': 'the test runner',
  'wrangler.toml': 'the Worker as Cloudflare sees it',
}

const LINES_MAX = 400
const EXACT = /^[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?$/

const ignored = readFileSync('.gitignore', 'utf8').split('\n').filter(Boolean)
const ignoredFolders = new Set(ignored.map((line) => line.replace(/\/$/, '')))
const files = filesBelow('.')
const ownText = files.filter((file) => /\.(?:ts|mjs|py|sh|toml|md|txt|json|yml|yaml|sql)$|^\.ci\//.test(file))
const code = files.filter((file) => /^(?:src|scripts|test)\/.*\.(?:ts|mjs|py|sh)$/.test(file))
const manifest = readJson('package.json') as Manifest
const lock = readJson('package-lock.json') as Lockfile

interface Manifest {
  readonly scripts: Record<string, string>
  readonly dependencies: Record<string, string>
  readonly devDependencies: Record<string, string>
  readonly optionalDependencies: Record<string, string>
}

interface Lockfile {
  readonly packages: Record<string, { readonly version?: string; readonly dependencies?: Record<string, string> }>
}

interface LinterSettings {
  readonly overrides: readonly { readonly files: readonly string[]; readonly rules: Record<string, unknown> }[]
}

describe('files', () => {
  it('has nothing at the top level without a reason', () => {
    const found = readdirSync('.').filter((name) => !ignoredFolders.has(name))
    expect(found.filter((name) => !(name in TOP_LEVEL))).toEqual([])
  })

  it(`has no code file of more than ${LINES_MAX} lines`, () => {
    const counts = code.filter((file) => !isGiven(file)).map((file) => [file, linesOf(file).length] as const)
    expect(counts.filter(([, lines]) => lines > LINES_MAX)).toEqual([])
  })

  it('knows the layer of every folder in src', () => {
    const folders = readdirSync('src').filter((name) => statSync(join('src', name)).isDirectory())
    const { overrides } = readJson('.oxlintrc.json') as LinterSettings
    const layered = overrides
      .filter(({ rules }) => 'no-restricted-imports' in rules)
      .flatMap((override) => override.files)
    expect(folders.filter((name) => !layered.includes(`src/${name}/**/*.ts`))).toEqual([])
  })

  it('opens every test with what it holds and where that comes from', () => {
    const tests = files.filter((file) => /^test\/.*(?:\.test\.ts|\/test_[^/]*\.py)$/.test(file))
    const mark = /^(?:\/\/|#) \S/
    const silent = tests.filter(
      (file) =>
        !linesOf(file)
          .slice(0, 2)
          .every((line) => mark.test(line)),
    )
    expect(silent).toEqual([])
  })
})

describe('text', () => {
  it('names no folder of one machine', () => {
    expect(linesWith(/(?<![\w.:/*-])\/(?:home|Users|root|work)\/\w/)).toEqual([])
  })

  it('names no package registry or download address', () => {
    const registry =
      /registry[.](?:npmjs|yarnpkg)|npmmirro[r]|files[.]pythonhosted|pypi[.]org|repo[0-9]?[.]maven|--(?:extra-)?index[-]url/
    expect(linesWith(registry)).toEqual([])
    expect(linesWith(/"resolved["]/)).toEqual([])
  })

  it('has nothing unfinished and no test switched off', () => {
    expect(linesWith(/\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/)).toEqual([])
    expect(linesWith(/\b(?:describe|it|test|suite|ctx|context)[.](?:skip|only|todo|fails)(?:If)?\b/)).toEqual([])
    expect(linesWith(/pytest[.](?:mark[.])?(?:skip|xfail)|importorski[p]/)).toEqual([])
  })
})

describe('versions', () => {
  it('are exact', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
    expect(Object.entries(all).filter(([, version]) => !EXACT.test(version))).toEqual([])
    const python = ['interop', 'spark', 'store/mongo']
      .flatMap((folder) => linesOf(`test/${folder}/requirements.txt`))
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(python.filter((line) => !/^[\w.-]+==[\w.]+$/.test(line))).toEqual([])
  })

  it('agree between wrangler, its simulator and the test runner, so that there is one workerd', () => {
    const { wrangler, miniflare } = manifest.devDependencies
    expect(lock.packages['node_modules/@cloudflare/vitest-plugin']?.dependencies?.['wrangler']).toBe(wrangler)
    expect(lock.packages['node_modules/wrangler']?.dependencies?.['miniflare']).toBe(miniflare)
    expect(Object.keys(lock.packages).filter((path) => path.endsWith('node_modules/workerd'))).toHaveLength(1)
  })
})

describe('README', () => {
  it('names every command', () => {
    const readme = readFileSync('README.md', 'utf8')
    const names = Object.keys(manifest.scripts)
    expect(names.filter((name) => !new RegExp(`npm (?:run )?${name}\\b`).test(readme))).toEqual([])
  })
})

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== '.git' && !ignoredFolders.has(entry.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? filesBelow(path) : [path]
    })
}

/** Fixtures were written by others, and their text is not ours to keep tidy. */
function isGiven(file: string): boolean {
  return file.includes('/fixtures/')
}

/** Every line of our own text that matches, as `file:line: text`. */
function linesWith(pattern: RegExp): string[] {
  return ownText
    .filter((file) => !isGiven(file))
    .flatMap((file) => linesOf(file).map((line, index) => ({ line, place: `${file}:${index + 1}` })))
    .filter(({ line }) => pattern.test(line))
    .map(({ line, place }) => `${place}: ${line.trim().slice(0, 100)}`)
}

/** Without the empty end after the last line break. */
function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').replace(/\n$/, '').split('\n')
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
