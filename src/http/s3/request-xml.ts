import { S3_KEYS_PER_CALL_MAX, S3_PARTS_MAX, S3_XML_TEXT_CHARS_MAX } from '#src/limits'
import { S3Error } from './errors.ts'
import { S3_NAMESPACE } from './xml.ts'

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
  const { texts, items } = readList(xml, DELETE)
  const quiet = texts.get('Quiet') ?? 'false'
  if (quiet !== 'true' && quiet !== 'false') throw malformed('expected Quiet to be true or false')
  const objects = items.map((object) => ({ key: required(object, 'Key'), versionId: object.get('VersionId') }))
  return { quiet: quiet === 'true', objects }
}

/** The body of CompleteMultipartUpload: parts in ascending order. @throws S3Error `MalformedXML`, `InvalidPartOrder` */
export function parseParts(xml: string): readonly UploadedPart[] {
  const parts = readList(xml, COMPLETE).items.map((part) => ({
    partNumber: Number(required(part, 'PartNumber').trim()),
    etag: required(part, 'ETag').trim().replaceAll('"', ''),
  }))
  for (const [index, { partNumber }] of parts.entries()) {
    if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > S3_PARTS_MAX)
      throw malformed(`expected part numbers from 1 to ${S3_PARTS_MAX}`)
    if (partNumber <= (parts[index - 1]?.partNumber ?? 0))
      throw new S3Error('InvalidPartOrder', 'The list of parts was not in ascending order.')
  }
  return parts
}

/** A list as S3 writes it: a root with texts and items, the items with texts. There is no other element anywhere. */
interface ListForm {
  readonly root: string
  readonly texts: readonly string[]
  readonly item: string
  readonly itemTexts: readonly string[]
  readonly itemsMax: number
}

const DELETE: ListForm = {
  root: 'Delete',
  texts: ['Quiet'],
  item: 'Object',
  itemTexts: ['Key', 'VersionId'],
  itemsMax: S3_KEYS_PER_CALL_MAX,
}

const COMPLETE: ListForm = {
  root: 'CompleteMultipartUpload',
  texts: [],
  item: 'Part',
  itemTexts: [
    'PartNumber',
    'ETag',
    'ChecksumCRC32',
    'ChecksumCRC32C',
    'ChecksumCRC64NVME',
    'ChecksumSHA1',
    'ChecksumSHA256',
  ],
  itemsMax: S3_PARTS_MAX,
}

/** Element name to content; none may be there twice. */
type Texts = Map<string, string>

interface List {
  readonly texts: Texts
  readonly items: Texts[]
}

const DECLARATION =
  /^<\?xml[ \t\r\n]+version=(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding=(?:"[Uu][Tt][Ff]-8"|'[Uu][Tt][Ff]-8'))?(?:[ \t\r\n]+standalone=(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/

/** One step of the reader: a tag or text. */
const TOKEN =
  /<(?<close>\/?)(?<name>[A-Za-z]\w*)(?<namespace>[ \t\r\n]+xmlns=(?:"[^"<&]*"|'[^'<&]*'))?[ \t\r\n]*(?<empty>\/?)>|(?<text>[^<]+)/y

/**
 * Reads the XML that S3 clients send, and nothing else: what is read here must be what any storage reads in it. Other
 * elements, attributes but S3's namespace on the root, document types, comments, CDATA and prefixes are refused, each at
 * once, so that no body costs more than its text.
 */
function readList(xml: string, form: ListForm): List {
  const list: List = { texts: new Map(), items: [] }
  const open: string[] = []
  let content = ''
  let isOver = false
  const token = new RegExp(TOKEN)
  token.lastIndex = DECLARATION.exec(xml)?.[0].length ?? 0
  while (token.lastIndex < xml.length) {
    const found = token.exec(xml)?.groups
    if (!found) throw malformed('expected a tag or text')
    const { close, name, namespace, empty, text } = found
    if (text !== undefined) {
      if (isText(open, form)) content += unescaped(text)
      else if (!/^[ \t\r\n]*$/.test(text)) throw malformed('text is misplaced')
      continue
    }
    if (name === undefined) continue
    if (close) {
      if (open.at(-1) !== name || empty || namespace) throw malformed('a closing tag is misplaced')
    } else {
      if (isOver) throw malformed(`expected one ${form.root} element`)
      if (namespace && (open.length > 0 || !NAMESPACES.has(namespace.trim()))) throw malformed('a namespace is unknown')
      enter(list, form, open, name)
      open.push(name)
      if (!empty) continue
    }
    if (isText(open, form)) textsAt(list, open.length - 1).set(name, content)
    content = ''
    open.pop()
    isOver = open.length === 0
  }
  if (!isOver) throw malformed(`expected one ${form.root} element`)
  if (list.items.length === 0) throw malformed(`expected at least one ${form.item}`)
  return list
}

const NAMESPACES: ReadonlySet<string> = new Set([`xmlns="${S3_NAMESPACE}"`, `xmlns='${S3_NAMESPACE}'`])

/** Checks that an element may stand where it does. */
function enter(list: List, form: ListForm, open: readonly string[], name: string): void {
  const isItem = open.length === 1 && name === form.item
  if (isItem && list.items.push(new Map()) > form.itemsMax)
    throw malformed(`expected at most ${form.itemsMax} of ${form.item}`)
  const isKnown = isItem || (open.length === 0 && name === form.root) || isText([...open, name], form)
  if (!isKnown) throw malformed('an element is misplaced')
  if (!isItem && open.length > 0 && textsAt(list, open.length).has(name)) throw malformed(`expected one ${name}`)
}

/** Whether the innermost element is one of text. */
function isText([, second, third, ...more]: readonly string[], form: ListForm): boolean {
  if (second === undefined || more.length > 0) return false
  return third === undefined ? form.texts.includes(second) : second === form.item && form.itemTexts.includes(third)
}

/** What holds the texts of that depth. */
function textsAt({ texts, items }: List, depth: number): Texts {
  return depth === 1 ? texts : (items.at(-1) ?? texts)
}

const ENTITIES = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** The characters of XML 1.0; a parser may read others, and `]]>`, as it likes. */
const NO_TEXT = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]|\]\]>/u

function unescaped(text: string): string {
  if (text.length > S3_XML_TEXT_CHARS_MAX)
    throw malformed(`expected texts of at most ${S3_XML_TEXT_CHARS_MAX} characters`)
  if (NO_TEXT.test(text)) throw malformed('a character is not allowed')
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
  const character = Number.isInteger(code) && code <= 0x10ffff ? String.fromCodePoint(code) : '\0'
  return NO_TEXT.test(character) ? undefined : character
}

function required(texts: Texts, name: string): string {
  const text = texts.get(name)
  if (text === undefined || text === '') throw malformed(`expected ${name}`)
  return text
}

function malformed(detail: string): S3Error {
  return new S3Error('MalformedXML', `The XML was not well formed or not what was expected: ${detail}.`)
}
