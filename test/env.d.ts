declare namespace Cloudflare {
  interface Env {
    /** The PostgreSQL that the tests start for themselves. */
    POSTGRES_TEST_URL: string
    /** Its front that speaks Neon's HTTP. */
    NEON_TEST_URL: string
    /** The port of the proxy in front of it that breaks connections. */
    FAULTS_TEST_PORT: string
    TEST_MIGRATIONS: import('cloudflare:test').D1Migration[]
  }
}
