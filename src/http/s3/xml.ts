/** An element: its name, and its text or its children in order. */
export type XmlNode = readonly [name: string, content: string | number | boolean | readonly XmlNode[]]

/** The namespace of S3's answers; errors have none. */
export const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** A whole document. Text is escaped here and nowhere else, control characters included. */
export function xmlDocument([name, content]: XmlNode, namespace: string): string {
  const attribute = namespace === '' ? '' : ` xmlns="${namespace}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name}${attribute}>${inner(content)}</${name}>`
}

function inner(content: XmlNode[1]): string {
  if (typeof content !== 'object') return escaped(String(content))
  return content.map(([name, children]) => `<${name}>${inner(children)}</${name}>`).join('')
}

function escaped(text: string): string {
  return text.replace(/[&<>"\p{Cc}]/gu, (character) => ESCAPES[character] ?? `&#x${hexCode(character)};`)
}

function hexCode(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase()
}
