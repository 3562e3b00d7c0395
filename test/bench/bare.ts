/**
 * What the catalog is compared with: a Worker that answers bytes it was given before, at once under `/bytes/…` and after
 * one query by primary key to the catalog's own database under `/query/…`. Both read the request's body, as any must.
 */
export const BARE_WORKER = `
const answers = new Map()
const headers = { 'Content-Type': 'application/json' }

export default {
  async fetch(request, env) {
    const [, kind, name] = request.url.slice(request.url.indexOf('/', 8)).split('/')
    const body = request.body ? await request.arrayBuffer() : null
    if (kind === 'keep') {
      answers.set(name, body)
      return new Response('{}', { headers })
    }
    if (kind === 'query')
      await env.DB.prepare('SELECT doc FROM record WHERE tenant_id = ?1 AND kind = ?2 AND id = ?3')
        .bind(env.TENANT_ID, 'tenant', env.TENANT_ID)
        .first()
    return new Response(answers.get(name), { headers })
  },
}
`
