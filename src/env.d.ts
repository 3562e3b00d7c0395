/** The Worker's bindings and settings, as `wrangler.toml` and the deployment give them. */
declare namespace Cloudflare {
  interface Env {
    readonly DB: D1Database
    /** `d1` (or nothing), `postgres` or `mongo`: where the catalog's records and history are. */
    readonly STORE?: string
    /** A Postgres behind a pool near it. Its cache of reads must be off. */
    readonly HYPERDRIVE?: Hyperdrive
    /** A Postgres without Hyperdrive (secret). */
    readonly DATABASE_URL?: string
    /** `http` or `tcp`; unless set, HTTP for a host of Neon's and TCP for any other. */
    readonly DATABASE_TRANSPORT?: string
    /** The bucket of the deployment; warehouses live in it. */
    readonly LAKE: R2Bucket
    /** Its name in `s3://…`. */
    readonly LAKE_BUCKET: string
    readonly TABLE_LANE: DurableObjectNamespace<import('./table-lane.ts').TableLane>
    readonly PURGE_RUNNER: DurableObjectNamespace<import('./purge-runner.ts').PurgeRunner>
    /** Private JSON Web Key Set that signs and verifies bearer tokens (secret). */
    readonly TOKEN_KEYS?: string
    readonly TOKEN_ISSUER?: string
    readonly TOKEN_AUDIENCE?: string
    /** Access key of the bucket, from which table credentials are derived (secret). */
    readonly S3_ACCESS_KEY_ID?: string
    readonly S3_SECRET_ACCESS_KEY?: string
    /** `true`: serve the development S3 endpoint under `/s3`. */
    readonly S3_LOCAL?: string
    /** The S3 endpoint told to clients; with S3_LOCAL the request's own origin unless set. */
    readonly S3_ENDPOINT?: string
    readonly R2_ACCOUNT_ID?: string
    /** Makes the first tenant, catalog and administrator on an empty database (secret). */
    readonly BOOTSTRAP_PASSWORD?: string
    /** `refuse` or `replace`: what warehouse `local` does about locations outside it that clients give. */
    readonly CLIENT_LOCATIONS?: string
    /** `true`: nothing is changed, and whoever wants to change something is told to come back. */
    readonly READ_ONLY?: string | boolean
    readonly LOG_LEVEL?: string
    /** Connections to MongoDB, by the driver, and the connection string they use (secret). */
    readonly MONGO?: DurableObjectNamespace<import('./mongo-connection.ts').MongoConnection>
    readonly MONGO_URL?: string
    /** Instead: an endpoint that speaks the Data API, and one way to be known to it (secrets). */
    readonly MONGO_DATA_API_URL?: string
    readonly MONGO_DATA_SOURCE?: string
    readonly MONGO_DATABASE?: string
    readonly MONGO_API_KEY?: string
    readonly MONGO_TOKEN?: string
    readonly MONGO_USERNAME?: string
    readonly MONGO_PASSWORD?: string
  }
}
