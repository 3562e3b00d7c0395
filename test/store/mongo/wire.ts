import { BSON } from 'mongodb'

/** What clients say to find their server, to log in, to keep a connection and to leave, and not for somebody. */
export const HANDSHAKE = ['hello', 'ismaster', 'isMaster', 'ping', 'saslStart', 'saslContinue', 'endSessions']

const OP_MSG = 2013
/** Length, id, the id that is answered, opcode. */
const HEADER_BYTES = 16

/** Splits a stream of MongoDB's wire protocol into messages, each of which begins with its length. */
export function messages(take: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= HEADER_BYTES && rest.length >= rest.readInt32LE(0)) {
      const message = rest.subarray(0, rest.readInt32LE(0))
      rest = rest.subarray(message.length)
      take(message)
    }
  }
}

export function idOf(message: Buffer): number {
  return message.readInt32LE(4)
}

/** The id of the message that this one answers. */
export function answeredBy(message: Buffer): number {
  return message.readInt32LE(8)
}

/** A command, or the answer to one; null for a handshake in an older opcode. */
export function bodyOf(message: Buffer): BSON.Document | null {
  if (message.readInt32LE(12) !== OP_MSG) return null
  // Flags, then sections: one of kind 0, which is the body, and any number of kind 1, which are lists of documents.
  let at = HEADER_BYTES + 4
  while (message[at] === 1) at += 1 + message.readInt32LE(at + 1)
  return BSON.deserialize(message.subarray(at + 1, at + 1 + message.readInt32LE(at + 1)))
}

/** A message that answers another one. */
export function reply(message: Buffer, document: object): Buffer {
  const body = BSON.serialize(document)
  const head = Buffer.alloc(HEADER_BYTES + 5)
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(idOf(message), 8)
  head.writeInt32LE(OP_MSG, 12)
  return Buffer.concat([head, body])
}
