/** What is put together from something is kept: `from` is one of few, an engine or the text of a statement. */
export function oncePer<From, T>(make: (from: From) => T): (from: From) => T {
  const made = new Map<From, T>()
  return (from) => {
    const known = made.get(from)
    if (known !== undefined) return known
    const fresh = make(from)
    made.set(from, fresh)
    return fresh
  }
}
