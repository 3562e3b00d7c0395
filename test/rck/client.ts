import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { ClientVersion } from './suites.ts'

const HERE = join('test', 'rck')
const SOURCES = join(HERE, 'java', 'pangolin', 'rck')
const CACHE = join('.wrangler', 'rck')

const PROFILES: Readonly<Record<ClientVersion, readonly string[]>> = { '1.11.0': [], '1.9.2': ['-Piceberg-1.9'] }

const JAVA_VERSION_MIN = 17

/** What this machine lacks to run the kit, in words; null if it has all of it. */
export function missingTool(): string | null {
  const javac = spawnSync('javac', ['-version'], { encoding: 'utf8' })
  const version = Number(/javac (\d+)/.exec(`${javac.stdout}${javac.stderr}`)?.[1] ?? 0)
  if (version < JAVA_VERSION_MIN || spawnSync('java', ['-version']).status !== 0)
    return `a JDK ${JAVA_VERSION_MIN} or later`
  return spawnSync('mvn', ['-v']).status === 0 ? null : 'Maven'
}

/**
 * The class path of the kit with this client: its jars as Maven resolves them, and our subclasses compiled against it.
 * What was resolved before for the same sources is used again. @throws Error with Maven's last lines
 */
export function classPath(client: ClientVersion): string {
  const target = join(process.cwd(), CACHE, client)
  const [listed, stamp] = [join(target, 'classpath'), join(target, 'stamp')]
  const wanted = stampOf(client)
  const known = (): string => [join(target, 'classes'), readFileSync(listed, 'utf8').trim()].join(delimiter)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && known().split(delimiter).every(existsSync))
    return known()
  mkdirSync(target, { recursive: true })
  const goals = ['clean', 'compile', 'dependency:build-classpath', `-Dmdep.outputFile=${listed}.new`]
  const args = ['-B', '-q', '-f', join(HERE, 'pom.xml'), ...PROFILES[client], `-Drck.target=${target}`, ...goals]
  const maven = spawnSync('mvn', args, { encoding: 'utf8' })
  if (maven.status !== 0) throw new Error(`Maven could not prepare the client ${client}:\n${lastLines(maven.stdout)}`)
  writeFileSync(listed, readFileSync(`${listed}.new`, 'utf8'))
  writeFileSync(stamp, wanted)
  return known()
}

function stampOf(client: ClientVersion): string {
  const files = [
    join(HERE, 'pom.xml'),
    ...readdirSync(SOURCES)
      .toSorted()
      .map((name) => join(SOURCES, name)),
  ]
  const hash = createHash('sha256').update(client)
  for (const file of files) hash.update(readFileSync(file))
  return hash.digest('hex')
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-20).join('\n')
}
