declare namespace Cloudflare {
  interface Env {
    /** The PostgreSQL that the tests start for themselves. */
    POSTGRES_TEST_URL: string
    TEST_MIGRATIONS: import('cloudflare:test').D1Migration[]
  }
}
