/** Every limit of the catalog, with its unit in the name and its reason beside it. */

/** A commit of many snapshots stays well below this; a larger body would cost parse memory of an isolate (128 MB). */
export const REQUEST_BODY_BYTES_MAX = 8 * 1024 * 1024

/** Parsing costs 5–10 times the text in memory, and an isolate has 128 MB. */
export const METADATA_BYTES_MAX = 16 * 1024 * 1024

/** Deeper JSON has no meaning in Iceberg (the deepest schemas in use have tens of levels) and costs stack. */
export const JSON_DEPTH_MAX = 200

/** One page of a listing, when the client asks for pages. */
export const PAGE_SIZE_MAX = 1000
export const PAGE_SIZE_DEFAULT = 100

/** One read of the store while a listing without pages is collected. */
export const LIST_BATCH_ROWS = 1000

/** Vended credentials live an hour: PyIceberg and Rust never refresh theirs. */
export const CREDENTIAL_TTL_SECONDS = 3600

/** What `/api/v1/users/login` hands out. */
export const SESSION_TTL_SECONDS = 7 * 24 * 3600

/** A lane retries a lost race this often before it answers 409. */
export const COMMIT_RETRIES_MAX = 8

/** Commits waiting in one lane; beyond it the caller is told to come back (429). */
export const LANE_QUEUE_MAX = 512

/** Text of metadata files kept in an isolate, in UTF-16 code units. */
export const METADATA_CACHE_CHARS = 24 * 1024 * 1024
