// Contract: the two XML bodies S3 clients send are read; everything that is not one of them is MalformedXML.
// Source: Amazon S3 API reference, DeleteObjects and CompleteMultipartUpload; XML 1.0 without document types.
import { describe, expect, it } from 'vitest'
import { parseDelete, parseParts } from '#http/s3/request-xml'

const ONE = '<Object><Key>k</Key></Object>'

describe('parseDelete', () => {
  it.each([
    `<Delete>${ONE}</Delete>`,
    `<?xml version="1.0" encoding="UTF-8"?>\n<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n  ${ONE}\n</Delete>\n`,
    `<Delete xmlns='http://s3.amazonaws.com/doc/2006-03-01/' ><Quiet>false</Quiet><Object ><Key\n>k</Key ></Object></Delete>`,
    `<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\r\n<Delete>\t${ONE}</Delete>`,
  ])('reads %j', (xml) => {
    expect(parseDelete(xml)).toEqual({ quiet: false, objects: [{ key: 'k', versionId: undefined }] })
  })

  it('reads quiet, versions and entities', () => {
    const xml =
      '<Delete><Quiet>true</Quiet><Object><Key>&lt;&#x1F98E;&#65; &apos;</Key><VersionId>v</VersionId></Object></Delete>'
    expect(parseDelete(xml)).toEqual({ quiet: true, objects: [{ key: "<🦎A '", versionId: 'v' }] })
  })

  it.each([
    '',
    'text',
    '<Delete>',
    '</Delete>',
    '<Delete/>',
    '<Other><Object><Key>k</Key></Object></Other>',
    `<Delete>${ONE}</Delete><Delete>${ONE}</Delete>`,
    `<Delete>${ONE}</Delete>text`,
    `<Delete><Object><Key>k</Object></Key></Delete>`,
    '<Delete><Object/></Delete>',
    '<Delete><Object><Key></Key></Object></Delete>',
    '<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>',
    '<Delete><Object><Key>a & b</Key></Object></Delete>',
    '<Delete><Object><Key>&unknown;</Key></Object></Delete>',
    '<Delete><Object><Key>&constructor;</Key></Object></Delete>',
    '<Delete><Object><Key>&#xD800;</Key></Object></Delete>',
    '<Delete><Object><Key>&#x110000;</Key></Object></Delete>',
    '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&e;</Key></Object></Delete>',
    '<Delete><!-- c --><Object><Key>k</Key></Object></Delete>',
    '<Delete><Object><Key><![CDATA[k]]></Key></Object></Delete>',
    '<a:Delete xmlns:a="x"><Object><Key>k</Key></Object></a:Delete>',
    ` <?xml version="1.0"?><Delete>${ONE}</Delete>`,
    `<?xml version="1.1"?><Delete>${ONE}</Delete>`,
    `<?xml version="1.0" encoding="UTF-7"?><Delete>${ONE}</Delete>`,
    `<?xml version="1.0" encoding="UTF-16"?><Delete>${ONE}</Delete>`,
    `\uFEFF<Delete>${ONE}</Delete>`,
    `<Delete>${ONE}</Delete>\u00A0`,
    `<Delete xmlns="evil">${ONE}</Delete>`,
    `<Delete a="b">${ONE}</Delete>`,
    '<Delete><Object xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Key>k</Key></Object></Delete>',
    `<delete>${ONE}</delete>`,
    `<Delete>${ONE}<object><Key>other</Key></object></Delete>`,
    `<Delete>${ONE}<Foo>${ONE}</Foo></Delete>`,
    `<Delete>${ONE}<Object/></Delete>`,
    `<Delete>text${ONE}</Delete>`,
    '<Delete><Object>text<Key>k</Key></Object></Delete>',
    '<Delete><Object><Key>k<Key>other</Key></Key></Object></Delete>',
    '<Delete><Object><Key>k</Key><ETag>e</ETag></Object></Delete>',
    '<Delete><Object><Key>k</Key><VersionId>1</VersionId><VersionId>2</VersionId></Object></Delete>',
    `<Delete><Quiet>true</Quiet><Quiet>false</Quiet>${ONE}</Delete>`,
    `<Delete><Quiet>yes</Quiet>${ONE}</Delete>`,
    `<Delete><Key>k</Key>${ONE}</Delete>`,
    `<Delete><Delete>${ONE}</Delete></Delete>`,
    '<Delete><Object><Key>&#0;</Key></Object></Delete>',
    '<Delete><Object><Key>&#xFFFE;</Key></Object></Delete>',
    '<Delete><Object><Key>a\u0001</Key></Object></Delete>',
    '<Delete><Object><Key>a\uD800</Key></Object></Delete>',
    '<Delete><Object><Key>a]]></Key></Object></Delete>',
    `<Delete><Object><Key>${'&amp;'.repeat(4000)}</Key></Object></Delete>`,
    '<a>'.repeat(100_000),
    `<Delete${' a="b"'.repeat(20_000)}`,
    '<'.repeat(100_000),
  ])('refuses %j', (xml) => {
    expect(() => parseDelete(xml)).toThrow(expect.objectContaining({ code: 'MalformedXML' }))
  })
})

it('stops at what is too much, without reading on', () => {
  const wrong = (inner: string) => () => parseDelete(`<Delete>${inner}<never read`)
  expect(wrong(ONE.repeat(1001))).toThrow('expected at most 1000 of Object')
  expect(wrong('<a/>')).toThrow('an element is misplaced')
  expect(wrong('<Quiet/>'.repeat(2))).toThrow('expected one Quiet')
})

describe('parseParts', () => {
  it('reads numbers and ETags, quoted or not, and passes over checksums', () => {
    const xml =
      '<CompleteMultipartUpload><Part><ETag>&quot;a&quot;</ETag><PartNumber>1</PartNumber><ChecksumCRC32>x</ChecksumCRC32></Part>' +
      '<Part><PartNumber>3</PartNumber><ETag>"b"</ETag></Part></CompleteMultipartUpload>'
    expect(parseParts(xml)).toEqual([
      { partNumber: 1, etag: 'a' },
      { partNumber: 3, etag: 'b' },
    ])
  })

  it.each([
    [['1', '1'], 'InvalidPartOrder'],
    [['2', '1'], 'InvalidPartOrder'],
    [['0'], 'MalformedXML'],
    [['10001'], 'MalformedXML'],
    [['1.5'], 'MalformedXML'],
    [['x'], 'MalformedXML'],
    [[], 'MalformedXML'],
  ])('refuses part numbers %j', (numbers, code) => {
    const parts = numbers.map((number) => `<Part><PartNumber>${number}</PartNumber><ETag>e</ETag></Part>`)
    const xml = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
    expect(() => parseParts(xml)).toThrow(expect.objectContaining({ code }))
  })
})
