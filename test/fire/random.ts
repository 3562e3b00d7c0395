/** Draws that a seed decides. */
export interface Random {
  /** A whole number from 0 up to `end`, without it. */
  below(end: number): number
  chance(probability: number): boolean
  oneOf<T>(choices: readonly T[]): T
  two(names: readonly string[]): [string, string]
}

/** A generator that a seed decides; xorshift over 32 bits. */
export function randomFrom(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) || 1
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  for (let warm = 0; warm < 8; warm += 1) next()
  return {
    below: (end) => Math.floor(next() * end),
    chance: (probability) => next() < probability,
    oneOf<T>(choices: readonly T[]): T {
      return choices[Math.floor(next() * choices.length)] as T
    },
    two(names) {
      const first = Math.floor(next() * names.length)
      const second = (first + 1 + Math.floor(next() * (names.length - 1))) % names.length
      return [names[first] ?? '', names[second] ?? '']
    },
  }
}
