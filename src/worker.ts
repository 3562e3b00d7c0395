import { DurableObject } from 'cloudflare:workers'

export class TableLane extends DurableObject {}
export class PurgeRunner extends DurableObject {}

export default {
  fetch(): Response {
    return new Response(null, { status: 404 })
  },
}
