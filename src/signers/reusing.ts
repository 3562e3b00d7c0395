import { recent } from '#domain/recent'
import { CREDENTIAL_REUSE_SECONDS, CREDENTIALS_REMEMBERED_MAX } from '#src/limits'
import type { Signer, StorageCredential } from './signer.ts'

/**
 * A signer that hands out a credential again while it is young: for the same folders and access, within
 * `CREDENTIAL_REUSE_SECONDS` of its making, so that it still has nearly all of its life. A credential says nothing of
 * whom it was made for, and who may have it is decided before every call.
 */
export function reusingSigner(signer: Signer): Signer {
  const made = recent<{ readonly atMs: number; readonly credential: StorageCredential }>(CREDENTIALS_REMEMBERED_MAX)
  return {
    async sign(input) {
      const key = JSON.stringify([input.access, input.ttlSeconds, ...input.folders.map(({ uri }) => uri)])
      const known = made.get(key)
      const ageMs = known ? input.nowMs - known.atMs : -1
      if (known && ageMs >= 0 && ageMs < CREDENTIAL_REUSE_SECONDS * 1000) return known.credential
      const credential = await signer.sign(input)
      made.set(key, { atMs: input.nowMs, credential })
      return credential
    },
  }
}
