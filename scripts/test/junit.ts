/** One test of a report in JUnit's XML. */
export interface JunitCase {
  readonly className: string
  readonly name: string
  readonly outcome: 'passed' | 'skipped' | 'failed'
  /** What the failure said in short, without its trace; empty if it said nothing. */
  readonly message: string
}

const OUTCOMES = { skipped: 'skipped', failure: 'failed', error: 'failed' } as const

/** Reads a report as JUnit's ConsoleLauncher and pytest write it. */
export function readJunit(xml: string): JunitCase[] {
  const markup = xml.replaceAll(/<!\[CDATA\[[\s\S]*?\]\]>/g, '')
  const cases = markup.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)
  return [...cases].map(([, attributes = '', body = '']) => {
    const [, element, ofElement = ''] = /<(skipped|failure|error)\b([^>]*)/.exec(body) ?? []
    return {
      className: attribute(attributes, 'classname'),
      name: attribute(attributes, 'name'),
      outcome: element === undefined ? 'passed' : OUTCOMES[element as keyof typeof OUTCOMES],
      message: attribute(ofElement, 'message'),
    }
  })
}

/** `>` is written as an entity within them. */
function attribute(attributes: string, name: string): string {
  return unescaped(new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? '')
}

function unescaped(text: string): string {
  const named = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' } as const
  return text.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(lt|gt|quot|apos|amp));/gi, (_, decimal, hex, name) => {
    if (name) return named[name as keyof typeof named]
    return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex as string, 16))
  })
}
