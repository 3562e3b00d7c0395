import { verifyPassword } from '#authn/passwords'
import type { TokenAuthority, TokenSession } from '#authn/tokens'
import type { TenantId, User } from '#domain/records'
import { SESSION_SECONDS_MAX, TOKEN_TTL_SECONDS } from '#src/limits'
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

/** Whose token it is to be. */
export interface Subject {
  readonly tenantId: TenantId
  readonly user: User
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

/** Issues the first token of a session to a user who has shown who he is. */
export async function openSession(deps: SessionDeps, subject: Subject): Promise<Session> {
  return issueToken(deps, subject, deps.now(), TOKEN_TTL_SECONDS)
}

/**
 * Issues a further token of a session, good for `ttlSecondsMax` at most and never for longer than the session has left.
 * Null if that is nothing.
 */
export async function prolongSession(
  deps: SessionDeps,
  subject: Subject & { readonly session: TokenSession },
  ttlSecondsMax: number,
): Promise<Session | null> {
  const now = deps.now()
  const secondsLeft = Math.floor((subject.session.startedAt.getTime() - now.getTime()) / 1000) + SESSION_SECONDS_MAX
  const ttlSeconds = Math.min(TOKEN_TTL_SECONDS, ttlSecondsMax, secondsLeft)
  return ttlSeconds > 0 ? issueToken(deps, subject, now, ttlSeconds) : null
}

async function issueToken(
  deps: SessionDeps,
  { tenantId, user, ...session }: Subject & { readonly session?: TokenSession },
  issuedAt: Date,
  ttlSeconds: number,
): Promise<Session> {
  const expiresAt = new Date(issuedAt.getTime() + ttlSeconds * 1000)
  const identity = { tenantId, userId: user.id, tokenId: deps.newId(), ...session }
  const token = await deps.tokens.issue(identity, { issuedAt, expiresAt })
  return { token, tenantId, user, ttlSeconds, expiresAt }
}
