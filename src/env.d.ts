/** The Worker's bindings and settings, as `wrangler.toml` and the deployment give them. */
declare namespace Cloudflare {
  interface Env {
    readonly DB: D1Database
    readonly LAKE: R2Bucket
  }
}
