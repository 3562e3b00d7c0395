// Contract: a password is recognised by its salted hash only, and a missing user costs as much as a wrong password.
// Source: OWASP password storage (PBKDF2-HMAC-SHA256); the 100,000 iterations that Workers allow.
import { expect, it } from 'vitest'
import { hashPassword, verifyPassword } from '#authn/passwords'

const salt = new Uint8Array(16).fill(7)

it('recognises the password and nothing else', async () => {
  const stored = await hashPassword('correct horse', salt)
  expect(stored).toMatch(/^pbkdf2-sha256\$100000\$/)
  expect(stored).not.toContain('horse')
  expect(await verifyPassword('correct horse', stored)).toBe(true)
  expect(await verifyPassword('correct horse ', stored)).toBe(false)
  expect(await verifyPassword('', stored)).toBe(false)
})

it('says no without a stored password, or with one of another form', async () => {
  expect(await verifyPassword('x', null)).toBe(false)
  expect(await verifyPassword('x', 'bcrypt$1$2$3')).toBe(false)
  expect(await verifyPassword('x', '')).toBe(false)
})
