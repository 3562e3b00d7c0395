import { badRequest, CatalogError } from '#domain/errors'
import { writeJson } from '#iceberg/json'
import { LOGIN_BODY_BYTES_MAX } from '#src/limits'
import { z } from 'zod'
import { readJson, readText } from '../body.ts'
import { json } from '../respond.ts'
import { openSession, userWithPassword, type SessionDeps } from './session.ts'

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
export async function login(deps: SessionDeps, request: Request): Promise<Response> {
  const parsed = LoginBody.safeParse(JSON.parse(writeJson(readJson(await readText(request, LOGIN_BODY_BYTES_MAX)))))
  if (!parsed.success) throw badRequest(`Invalid login: ${z.prettifyError(parsed.error)}`)
  const { username, password } = parsed.data
  const tenantId = parsed.data['tenant-id'] ?? parsed.data.tenant_id ?? deps.defaultTenantId
  const user = await userWithPassword(deps, { tenantId, username, password })
  if (!user)
    throw new CatalogError('unauthenticated', 'Not authorized: username and password do not match an active user')
  const { token, expiresAt } = await openSession(deps, { tenantId, user })
  return json(
    {
      token,
      user: { id: user.id, username: user.username, role: user.role, 'tenant-id': tenantId },
      'expires-at': expiresAt.toISOString(),
    },
    { 'Cache-Control': 'no-store' },
  )
}
