import { verifyPassword } from '#authn/passwords'
import type { TokenAuthority } from '#authn/tokens'
import { badRequest, CatalogError } from '#domain/errors'
import type { TenantId } from '#domain/records'
import { writeJson } from '#iceberg/json'
import { LOGIN_BODY_BYTES_MAX, SESSION_TTL_SECONDS } from '#src/limits'
import type { Store } from '#store/store'
import { z } from 'zod'
import { readJson, readText } from '../body.ts'
import { json } from '../respond.ts'

/** Pangolin's login body; its clients spell the tenant both ways. */
const LoginBody = z.object({
  username: z.string().min(1).max(255),
  password: z.string().min(1).max(1024),
  'tenant-id': z.uuid().nullish(),
  tenant_id: z.uuid().nullish(),
})

/**
 * `POST /api/v1/users/login` → `{ "token", "user", "expires-at" }`. A wrong password, an unknown user and one who is not
 * active look the same and take the same time.
 * @throws CatalogError `unauthenticated`, `bad-request`
 */
export async function login(
  deps: {
    readonly store: Store
    readonly tokens: TokenAuthority
    readonly defaultTenantId: TenantId
    readonly now: () => Date
    readonly newId: () => string
  },
  request: Request,
): Promise<Response> {
  const parsed = LoginBody.safeParse(JSON.parse(writeJson(readJson(await readText(request, LOGIN_BODY_BYTES_MAX)))))
  if (!parsed.success) throw badRequest(`Invalid login: ${z.prettifyError(parsed.error)}`)
  const { username, password } = parsed.data
  const tenantId = parsed.data['tenant-id'] ?? parsed.data.tenant_id ?? deps.defaultTenantId
  const user = await deps.store.tenant(tenantId).users.byName(username)
  const matches = await verifyPassword(password, user?.passwordHash ?? null)
  if (!user || !matches || !user.active)
    throw new CatalogError('unauthenticated', 'Not authorized: username and password do not match an active user')
  const issuedAt = deps.now()
  const expiresAt = new Date(issuedAt.getTime() + SESSION_TTL_SECONDS * 1000)
  const token = await deps.tokens.issue({ tenantId, userId: user.id, tokenId: deps.newId() }, { issuedAt, expiresAt })
  return json(
    {
      token,
      user: { id: user.id, username: user.username, role: user.role, 'tenant-id': tenantId },
      'expires-at': expiresAt.toISOString(),
    },
    { 'Cache-Control': 'no-store' },
  )
}
