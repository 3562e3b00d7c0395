import { verifyPassword } from '#authn/passwords'
import type { TokenAuthority } from '#authn/tokens'
import type { TenantId, User } from '#domain/records'
import { SESSION_TTL_SECONDS } from '#src/limits'
import type { Store } from '#store/store'

/** What logging in needs, by whichever route. */
export interface SessionDeps {
  readonly store: Store
  readonly tokens: TokenAuthority
  /** The tenant of whoever names none. */
  readonly defaultTenantId: TenantId
  readonly now: () => Date
  readonly newId: () => string
}

export interface Credentials {
  readonly tenantId: TenantId
  readonly username: string
  readonly password: string
}

/** An access token of a user, and how long it is good for. */
export interface Session {
  readonly token: string
  readonly tenantId: TenantId
  readonly user: User
  readonly ttlSeconds: number
  readonly expiresAt: Date
}

/**
 * The active user whose password this is. Null for a wrong password, an unknown user or tenant and a user who is not
 * active, after the same work for each, so that the time taken does not tell them apart.
 */
export async function userWithPassword(deps: SessionDeps, credentials: Credentials): Promise<User | null> {
  const user = await deps.store.tenant(credentials.tenantId).users.byName(credentials.username)
  const matches = await verifyPassword(credentials.password, user?.passwordHash ?? null)
  return user && matches && user.active ? user : null
}

/** Issues a token to a user who has shown who he is. `ttlSecondsMax` may only shorten its life. */
export async function openSession(
  deps: SessionDeps,
  { tenantId, user }: { readonly tenantId: TenantId; readonly user: User },
  ttlSecondsMax: number = SESSION_TTL_SECONDS,
): Promise<Session> {
  const ttlSeconds = Math.min(SESSION_TTL_SECONDS, ttlSecondsMax)
  const issuedAt = deps.now()
  const expiresAt = new Date(issuedAt.getTime() + ttlSeconds * 1000)
  const token = await deps.tokens.issue({ tenantId, userId: user.id, tokenId: deps.newId() }, { issuedAt, expiresAt })
  return { token, tenantId, user, ttlSeconds, expiresAt }
}
