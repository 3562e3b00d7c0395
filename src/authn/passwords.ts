import { base64url } from 'jose'

/** The most that Workers' WebCrypto does in one call. */
const ITERATIONS = 100_000
const ALGORITHM = 'pbkdf2-sha256'

/** `pbkdf2-sha256$<iterations>$<salt>$<hash>`, salt and hash in base64url. `salt`: 16 random bytes. */
export async function hashPassword(password: string, salt: Uint8Array): Promise<string> {
  const hash = await derive(password, salt, ITERATIONS)
  return [ALGORITHM, ITERATIONS, base64url.encode(salt), base64url.encode(hash)].join('$')
}

/**
 * Compares in constant time. With `stored` null (no such user, or one without a password) it does the same work and
 * answers false, so that the time taken does not tell which users exist.
 */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const [algorithm, iterations, salt, hash] = (stored ?? ABSENT).split('$')
  if (algorithm !== ALGORITHM || !iterations || !salt || !hash) return false
  const expected = base64url.decode(hash)
  const actual = await derive(password, base64url.decode(salt), Number(iterations))
  return sameBytes(actual, expected) && stored !== null
}

const ABSENT = `${ALGORITHM}$${ITERATIONS}$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`

async function derive(password: string, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(password), 'PBKDF2', false, ['deriveBits'])
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256)
  return new Uint8Array(bits)
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0)
  return difference === 0
}
