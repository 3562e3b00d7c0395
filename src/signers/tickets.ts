import { jwtVerify, SignJWT } from 'jose'
import type { Tickets } from './signer.ts'

/** Tickets under a key of their own: none of them is a storage credential, and no credential is a ticket. */
export function tickets(secretAccessKey: string): Tickets {
  const key = new TextEncoder().encode(`tickets of the catalog\n${secretAccessKey}`)
  return {
    issue: (claims, nowMs, ttlSeconds) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime(Math.floor(nowMs / 1000) + ttlSeconds)
        .sign(key),
    async open(ticket, nowMs) {
      const options = { algorithms: ['HS256'], requiredClaims: ['exp'], currentDate: new Date(nowMs) }
      return jwtVerify(ticket, key, options).then(
        ({ payload }) => payload,
        () => null,
      )
    },
  }
}
