/** Every limit of the catalog, with its unit in the name and its reason beside it. */

/** A commit of many snapshots stays well below this; a larger body would cost parse memory of an isolate (128 MB). */
export const REQUEST_BODY_BYTES_MAX = 8 * 1024 * 1024

/** Parsing costs 5–10 times the text in memory, and an isolate has 128 MB. */
export const METADATA_BYTES_MAX = 16 * 1024 * 1024

/** Anybody may send a login, so little is read of it. */
export const LOGIN_BODY_BYTES_MAX = 16 * 1024

/** Deeper JSON has no meaning in Iceberg (the deepest schemas in use have tens of levels) and costs stack. */
export const JSON_DEPTH_MAX = 200

/**
 * Brackets and commas in a request body, of which there are about as many as values: 8 MB of `[{},{},…]` are millions, at
 * some 200 bytes of heap each while they are parsed. This many cost at most 50 MB of an isolate's 128. A table of 10,000
 * columns has 50,000, a commit of 1,000 snapshots 25,000.
 */
export const REQUEST_JSON_VALUES_MAX = 200_000

/** What names a few objects and no more: two identifiers of the longest levels take 50 KB. */
export const NAMES_BODY_BYTES_MAX = 128 * 1024

/** A namespace's properties: a commit that held more would be refused (1.5 MB). */
export const PROPERTIES_BODY_BYTES_MAX = 2 * 1024 * 1024

/** One page of a listing, when the client asks for pages. */
export const PAGE_SIZE_MAX = 1000
export const PAGE_SIZE_DEFAULT = 100

/** One read of the store while a listing without pages is collected. */
export const LIST_BATCH_ROWS = 1000

/** Vended credentials live an hour: PyIceberg and Rust never refresh theirs. */
export const CREDENTIAL_TTL_SECONDS = 3600

/** A credential is handed out again only while it is younger than this: clients that never refresh get 55 minutes. */
export const CREDENTIAL_REUSE_SECONDS = 300

/** Credentials kept in an isolate to be handed out again, about 2 KB each. */
export const CREDENTIALS_REMEMBERED_MAX = 1000

/** Tokens an isolate remembers having verified, about 1 KB each. Whether one was revoked is read with every request. */
export const VERIFIED_TOKENS_MAX = 1000

/** The longest life of one token: what `/api/v1/users/login` and `/v1/oauth/tokens` hand out. */
export const TOKEN_TTL_SECONDS = 7 * 24 * 3600

/**
 * How long after a login its token can be exchanged for others. Engines refresh by exchange and work for weeks without
 * logging in again; a token that was stolen must not live for ever.
 */
export const SESSION_SECONDS_MAX = 30 * 24 * 3600

/** Object storage calls of one request under way at a time: a Worker may wait for six connections' answers. */
export const PARALLEL_OBJECT_CALLS_MAX = 6

/** Tables in one transaction. */
export const TRANSACTION_TABLES_MAX = 100

/** Reads and writes of files that one transaction may come to in all its tries: a Worker has 1,000 subrequests. */
export const TRANSACTION_CALLS_MAX = 800

/**
 * Metadata of all tables of one transaction in UTF-16 code units, before and, counted anew, after it: what is read says how
 * large it will be before any more is parsed, and what is to be written is held until the commit, in 128 MB.
 */
export const TRANSACTION_METADATA_CHARS_MAX = 32 * 1024 * 1024

/** Metadata files of a transaction that have more bytes are read one after the other: six of the largest fill an isolate. */
export const TRANSACTION_PARALLEL_BYTES_MAX = 2 * 1024 * 1024

/**
 * How long an ETag of a table goes on matching at most. Clients keep the credential that came with it, which then has at
 * least another 40 minutes.
 */
export const ETAG_WINDOW_SECONDS = 900

/** A lost race is tried again this often before the answer is 409. */
export const COMMIT_RETRIES_MAX = 8

/**
 * The same for changes that no lane puts in order (properties of namespaces, views, drops, renames): at each of these
 * tries one of those who collide wins, and the pauses let dozens of them pass within seconds.
 */
export const UNQUEUED_RETRIES_MAX = 16

/** Longest pause before the first of those retries: about one commit with its read. It doubles with each, up to the maximum. */
export const RETRY_PAUSE_MS = 50
export const RETRY_PAUSE_MS_MAX = 1000

/**
 * How often it is asked what became of a commit whose answer was lost, for how long, and the longest pause in between
 * (half of it on average): a database that restarts is back within seconds, and a lane holds up all that wait behind it.
 */
export const SETTLE_TRIES_MAX = 20
export const SETTLE_MS_MAX = 20_000
export const SETTLE_PAUSE_MS_MAX = 2000

/** Commits waiting in one lane; beyond it the caller is told to come back (429). */
export const LANE_QUEUE_MAX = 512

/** UTF-16 code units of the bodies that wait in one lane: it shares the 128 MB of an isolate with what it parses. */
export const LANE_QUEUE_CHARS_MAX = 12 * 1024 * 1024

/**
 * Commits of one table that are published together. More of them gain little over this, and all of them share one fate:
 * a lost race evaluates all again, a lost answer leaves all in doubt.
 */
export const LANE_GROUP_MEMBERS_MAX = 64

/** UTF-16 code units of the bodies of one group: all of them are parsed at a time, at 5–10 times that in memory. */
export const LANE_GROUP_CHARS_MAX = 1024 * 1024

/** UTF-16 code units that the answers of one group leave a lane with at a time: each holds the table's whole metadata. */
export const LANE_GROUP_ANSWER_CHARS_MAX = 16 * 1024 * 1024

/** Text of metadata files kept in an isolate, in UTF-16 code units. */
export const METADATA_CACHE_CHARS = 24 * 1024 * 1024

/** R2 deletes at most this many objects in one call. */
export const R2_DELETE_KEYS_MAX = 1000

/** The longest life R2 gives a temporary credential. */
export const R2_CREDENTIAL_TTL_SECONDS_MAX = 7 * 24 * 3600

/** How far a signer's clock may be off, as S3 has it. */
export const S3_CLOCK_SKEW_SECONDS = 15 * 60

/** How long a request that was signed for a client may be sent: Java's clients send one again for 30 s, others at once. */
export const SIGNED_REQUEST_TTL_SECONDS = 300

/**
 * A request to be signed: largest is DeleteObjects of a thousand of the longest keys, 1.3 MB, and what JSON and XML escape
 * of them.
 */
export const SIGNED_REQUEST_BYTES_MAX = 2 * 1024 * 1024

/** The longest life S3 gives a presigned URL. */
export const S3_PRESIGNED_TTL_SECONDS_MAX = 7 * 24 * 3600

/** Keys in one DeleteObjects, and objects in one page of a listing. */
export const S3_KEYS_PER_CALL_MAX = 1000

/** One text in XML, as it is written: a key of 1,024 bytes is shorter, even if each is a character reference. */
export const S3_XML_TEXT_CHARS_MAX = 16 * 1024

/** Parts of one multipart upload. */
export const S3_PARTS_MAX = 10_000

/** What a streamed body is read and written in; smaller pieces cost throughput, larger ones memory. */
export const S3_STREAM_PIECE_BYTES = 1024 * 1024

/** Folders one table may have files in: a credential lists them all, and its token has to fit into a header. */
export const TABLE_FOLDERS_MAX = 8

/** Files one alarm of the purge runner looks at; an alarm has minutes, but a step that dies does its work again. */
export const PURGE_FILES_PER_STEP = 2000

/** Old metadata files that one commit deletes: one call of R2. A log that is cut by more leaves the rest to a purge. */
export const TRIM_FILES_MAX = 1000

/** UTF-8 bytes of one metrics report: a scan of a thousand columns with a long filter stays below it. */
export const METRICS_REPORT_BYTES_MAX = 32 * 1024

/** Reports kept of one table: enough to see its last scans and commits, few enough to be answered at once. */
export const METRICS_REPORTS_PER_TABLE = 50

/** Reports kept of one tenant: whoever sends as many and as long ones as he can, fills 160 MB of the database, no more. */
export const METRICS_REPORTS_PER_TENANT = 5000

/** Longest wait for one call of the catalog database; D1 itself ends a query after 30 s. */
export const STORE_CALL_MS_MAX = 15_000

/** Longest wait for one metadata file to be read or written, or one batch of files to be deleted. */
export const OBJECT_CALL_MS_MAX = 20_000

/**
 * How long clients may send a request again under its idempotency key, as `/v1/config` tells them. Java stops retrying
 * within minutes.
 */
export const IDEMPOTENCY_ADVERTISED_MINUTES = 30

/** How long an answer is kept and told again: longer than advertised, for clocks that differ and retries under way. */
export const IDEMPOTENCY_KEPT_SECONDS = 3600

/**
 * How long an answer that is told again brings the credential of whoever made the table, though nobody has granted him
 * anything on it: for retries, which end within minutes. Later his grants say what he gets, as for any load.
 */
export const IDEMPOTENCY_CREDENTIAL_SECONDS = 900

/** Old answers that each new one sweeps away: more than one, so that they get fewer wherever keys are used. */
export const IDEMPOTENCY_SWEPT_PER_RECORD = 4

/**
 * Bytes of one answer as it is stored. Metadata is not kept, so only lists that the client sent get anywhere near: a
 * namespace's properties, or hundreds of their names.
 */
export const IDEMPOTENCY_ANSWER_BYTES_MAX = 32 * 1024

/** UTF-16 code units of a recorded error's message: some quote what the client sent, which may be long. */
export const IDEMPOTENCY_MESSAGE_CHARS_MAX = 500

/**
 * Refusals for want of a right that one isolate records of one user while it keeps them: far more than a job meets, and
 * half a megabyte of the database. Beyond it he is told to come back (429), which is final for nobody. Conflicts of those
 * who may do what they ask for are not counted: many writers of one table meet them by the thousand.
 */
export const IDEMPOTENCY_REFUSALS_PER_USER = 1000

/** Users whose recorded refusals an isolate counts, about 100 bytes each. */
export const REFUSED_USERS_REMEMBERED_MAX = 10_000

/** Longest wait for a lane: more than a commit takes whose every call hangs. What it still does is then unknown. */
export const LANE_CALL_MS_MAX = 120_000

/** Longest wait for the purge runner to be woken, which is one small write of its own storage. */
export const PURGE_WAKE_MS_MAX = 20_000

/** Longest wait of a commit on Postgres for the ones before it on its branch: well below what the whole call may take. */
export const STORE_LOCK_MS_MAX = 8_000

/** Connections one request, or one Durable Object, opens to Postgres: a Worker may wait for six at a time. */
export const POSTGRES_CONNECTIONS_MAX = 4

/** Longest wait for a connection to Postgres. */
export const POSTGRES_CONNECT_MS_MAX = 5_000

/** How long a connection to Postgres is kept for the next call. */
export const POSTGRES_IDLE_MS_MAX = 5_000

/**
 * UTF-16 code units of what MongoDB answered that leave the Durable Object of its connections in one message, which may
 * have 32 MB; a page of a list may have more, and is streamed.
 */
export const MONGO_REPLY_CHARS_MAX = 8 * 1024 * 1024
