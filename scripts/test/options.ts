/** The parts of the suite in the order they run: what fails fastest first. */
export const PARTS = ['check', 'node', 'worker', 'interop', 'rck', 'spark'] as const

export type Part = (typeof PARTS)[number]

/** Reads `--only PART`; undefined means all of them. */
export function parsePart(args: readonly string[]): Part | undefined | Error {
  if (args.length === 0) {
    return undefined
  }
  const name = args[0] === '--only' && args.length === 2 ? args[1] : args[0]?.replace(/^--only=/, '')
  const part = args.length <= 2 ? PARTS.find((known) => known === name) : undefined
  return part ?? new Error(`npm test takes nothing but --only and one of ${PARTS.join(', ')}.`)
}
