/** How many tests of a part passed and failed. */
export interface Tally {
  readonly passed: number
  readonly failed: number
}

/** A runner that fails without naming a failed test (nothing found, a file that does not load) counts as one. */
export function tally(isClean: boolean, counts: Tally | undefined): Tally {
  const { passed, failed } = counts ?? { passed: 0, failed: 0 }
  return { passed, failed: isClean ? failed : Math.max(failed, 1) }
}
