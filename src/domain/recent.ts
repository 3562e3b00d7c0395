/** Remembers at most `max` values and forgets first what was used longest ago. */
export interface Recent<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
}

export function recent<V>(max: number): Recent<V> {
  const values = new Map<string, V>()
  return {
    get(key) {
      const value = values.get(key)
      if (value !== undefined) {
        values.delete(key)
        values.set(key, value)
      }
      return value
    },
    set(key, value) {
      values.delete(key)
      values.set(key, value)
      if (values.size <= max) return
      for (const oldest of values.keys()) {
        values.delete(oldest)
        break
      }
    },
  }
}
