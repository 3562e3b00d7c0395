import { S3_KEYS_PER_CALL_MAX, S3_PARTS_MAX } from '#src/limits'
import { S3Error } from './errors.ts'

export interface DeleteRequest {
  readonly quiet: boolean
  readonly objects: readonly { readonly key: string; readonly versionId: string | undefined }[]
}

export interface UploadedPart {
  readonly partNumber: number
  /** Without quotes. */
  readonly etag: string
}

/** The body of DeleteObjects. @throws S3Error `MalformedXML` */
export function parseDelete(xml: string): DeleteRequest {
  const root = parseXml(xml, 'Delete')
  const objects = root.children
    .filter((child) => child.name === 'Object')
    .map((object) => ({ key: required(object, 'Key'), versionId: optional(object, 'VersionId') }))
  if (objects.length === 0 || objects.length > S3_KEYS_PER_CALL_MAX)
    throw malformed(`expected 1 to ${S3_KEYS_PER_CALL_MAX} objects, found ${objects.length}`)
  return { quiet: optional(root, 'Quiet')?.trim() === 'true', objects }
}

/** The body of CompleteMultipartUpload: parts in ascending order. @throws S3Error `MalformedXML`, `InvalidPartOrder` */
export function parseParts(xml: string): readonly UploadedPart[] {
  const parts = parseXml(xml, 'CompleteMultipartUpload')
    .children.filter((child) => child.name === 'Part')
    .map((part) => ({
      partNumber: Number(required(part, 'PartNumber').trim()),
      etag: required(part, 'ETag').trim().replaceAll('"', ''),
    }))
  if (parts.length === 0 || parts.length > S3_PARTS_MAX)
    throw malformed(`expected 1 to ${S3_PARTS_MAX} parts, found ${parts.length}`)
  for (const [index, { partNumber }] of parts.entries()) {
    if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > S3_PARTS_MAX)
      throw malformed(`expected part numbers from 1 to ${S3_PARTS_MAX}`)
    if (partNumber <= (parts[index - 1]?.partNumber ?? 0))
      throw new S3Error('InvalidPartOrder', 'The list of parts was not in ascending order.')
  }
  return parts
}

interface XmlElement {
  readonly name: string
  readonly children: XmlElement[]
  text: string
}

/** One step of the reader: a declaration at the very start, a tag (attributes are skipped), or text. */
const TOKEN =
  /(?<declaration>^<\?xml [^?>]*\?>)|<(?<close>\/?)(?<name>[A-Za-z]\w*)(?:\s+[\w:]+=(?:"[^"<]*"|'[^'<]*'))*\s*(?<empty>\/?)>|(?<text>[^<]+)/y

const DEPTH_MAX = 8

/**
 * Reads the part of XML that S3 clients send: elements, attributes that mean nothing here, text and the predefined
 * entities. Document types, comments, CDATA and prefixes are refused, so nothing can expand or refer to anything.
 */
function parseXml(xml: string, rootName: string): XmlElement {
  const top: XmlElement = { name: '', children: [], text: '' }
  const open = [top]
  const token = new RegExp(TOKEN)
  while (token.lastIndex < xml.length) {
    const found = token.exec(xml)?.groups
    if (!found) throw malformed('expected a tag or text')
    const parent = open.at(-1) ?? top
    if (found['text'] !== undefined) parent.text += unescaped(found['text'])
    if (found['name'] === undefined) continue
    if (found['close']) {
      if (open.length < 2 || parent.name !== found['name'] || found['empty'])
        throw malformed('a closing tag is misplaced')
      open.pop()
      continue
    }
    const element: XmlElement = { name: found['name'], children: [], text: '' }
    parent.children.push(element)
    if (!found['empty']) open.push(element)
    if (open.length > DEPTH_MAX) throw malformed(`expected at most ${DEPTH_MAX} levels`)
  }
  const [root] = top.children
  if (open.length !== 1 || !root || top.children.length !== 1 || root.name !== rootName || top.text.trim() !== '')
    throw malformed(`expected one ${rootName} element`)
  return root
}

const ENTITIES = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

function unescaped(text: string): string {
  return text.replace(
    /&(?:(\w{1,8});|#(\d{1,7});|#x([0-9a-fA-F]{1,6});)?/g,
    (_, name?: string, decimal?: string, hex = '') => {
      const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
      const character = name === undefined ? fromCode(code) : ENTITIES.get(name)
      if (character === undefined) throw malformed('an entity is unknown')
      return character
    },
  )
}

function fromCode(code: number): string | undefined {
  const known = Number.isInteger(code) && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  return known ? String.fromCodePoint(code) : undefined
}

function optional(element: XmlElement, name: string): string | undefined {
  const found = element.children.filter((child) => child.name === name)
  if (found.length > 1) throw malformed(`expected one ${name} in ${element.name}`)
  return found[0]?.text
}

function required(element: XmlElement, name: string): string {
  const text = optional(element, name)
  if (text === undefined || text === '') throw malformed(`expected ${name} in ${element.name}`)
  return text
}

function malformed(detail: string): S3Error {
  return new S3Error('MalformedXML', `The XML was not well formed or not what was expected: ${detail}.`)
}
