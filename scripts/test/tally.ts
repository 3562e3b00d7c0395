/** How a part went. Each failure is a test's name on the first line, and what it said on those below. */
export interface Tally {
  readonly passed: number
  readonly failures: readonly string[]
}

/** More would push the first ones out of sight, which is what they are told again for. */
const FAILURES_TOLD_MAX = 20

const LINES_TOLD_MAX = 16

/** Of a runner that has ended: one that fails without naming a test (a file does not load) has one failure all the same. */
export function tally(isClean: boolean, report: Tally | undefined): Tally {
  const { passed, failures } = report ?? { passed: 0, failures: [] }
  return { passed, failures: isClean || failures.length > 0 ? failures : ['no test failed, but the runner did'] }
}

/** What failed in a part, to be told once more at the end: the output of a test is far above by then. */
export function told(part: string, failures: readonly string[]): string {
  const left = failures.length - FAILURES_TOLD_MAX
  const texts = failures.slice(0, FAILURES_TOLD_MAX).map((failure) => {
    const [name = '', ...lines] = failure.trimEnd().split('\n')
    const shown = lines.length > LINES_TOLD_MAX ? [...lines.slice(0, LINES_TOLD_MAX), '…'] : lines
    return [`FAILED in ${part}: ${name}`, ...shown.map((line) => `  ${line}`), ''].join('\n')
  })
  return [...texts, ...(left > 0 ? [`and ${left} more in ${part}\n`] : [])].join('')
}
