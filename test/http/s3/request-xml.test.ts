// Contract: the two XML bodies S3 clients send are read; everything that is not one of them is MalformedXML.
// Source: Amazon S3 API reference, DeleteObjects and CompleteMultipartUpload; XML 1.0 without document types.
import { describe, expect, it } from 'vitest'
import { parseDelete, parseParts } from '#http/s3/request-xml'

const ONE = '<Object><Key>k</Key></Object>'

describe('parseDelete', () => {
  it.each([
    `<Delete>${ONE}</Delete>`,
    `<?xml version="1.0" encoding="UTF-8"?>\n<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n  ${ONE}\n</Delete>\n`,
    `<Delete xmlns='x' ><Object ><Key\n>k</Key ><ETag/></Object></Delete>`,
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
    '<a>'.repeat(100_000),
    `<Delete${' a="b"'.repeat(20_000)}`,
    '<'.repeat(100_000),
  ])('refuses %j', (xml) => {
    expect(() => parseDelete(xml)).toThrow(expect.objectContaining({ code: 'MalformedXML' }))
  })
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
