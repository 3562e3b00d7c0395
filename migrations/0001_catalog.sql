-- The catalog as a versioned map, plain records beside it, and history. Every key starts with the tenant,
-- but for the one index that keeps tenants' storage apart.
-- 9007199254740991 (2^53 - 1) is "open": the end of a row that is still current, and the bound of a read at the head.

CREATE TABLE record (
  tenant_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT,
  owner TEXT,
  doc TEXT NOT NULL,
  PRIMARY KEY (tenant_id, kind, id)
);
CREATE UNIQUE INDEX record_name ON record (tenant_id, kind, name);
CREATE INDEX record_owner ON record (tenant_id, kind, owner, id) WHERE owner IS NOT NULL;
-- The folder of every tenant's warehouses: none may overlap with another tenant's.
CREATE INDEX record_storage
  ON record (('s3://' || (doc->>'$.storage.bucket') || '/' || (doc->>'$.storage.prefix')), tenant_id)
  WHERE kind = 'warehouse';

-- Branches and tags. A branch points at itself with an open bound. Names are unique among what is open.
CREATE TABLE ref (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  catalog_id TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('branch', 'tag')),
  state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
  branch_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  head_seq INTEGER NOT NULL,
  ancestors TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX ref_name ON ref (tenant_id, catalog_id, name) WHERE state = 'open';

CREATE TABLE entry (
  tenant_id TEXT NOT NULL,
  branch_id TEXT NOT NULL,
  class TEXT NOT NULL CHECK (class IN ('namespace', 'asset')),
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  from_seq INTEGER NOT NULL,
  to_seq INTEGER NOT NULL,
  rev TEXT NOT NULL,
  object_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  tombstone INTEGER NOT NULL,
  metadata_location TEXT,
  locations TEXT NOT NULL,
  properties TEXT NOT NULL,
  summary TEXT NOT NULL,
  PRIMARY KEY (tenant_id, branch_id, class, namespace, name, from_seq)
);
CREATE UNIQUE INDEX entry_current ON entry (tenant_id, branch_id, class, namespace, name)
  WHERE to_seq = 9007199254740991;
CREATE INDEX entry_listing ON entry (tenant_id, branch_id, class, namespace, kind, name)
  WHERE to_seq = 9007199254740991 AND tombstone = 0;
CREATE INDEX entry_object ON entry (tenant_id, object_id, branch_id, to_seq);

-- Every folder that a row of an object ever had.
CREATE TABLE folder (
  tenant_id TEXT NOT NULL,
  location TEXT NOT NULL,
  object_id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, location, object_id)
) WITHOUT ROWID;

CREATE TABLE log (
  tenant_id TEXT NOT NULL,
  branch_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at TEXT NOT NULL,
  ids TEXT NOT NULL,
  records TEXT NOT NULL,
  changes TEXT NOT NULL,
  PRIMARY KEY (tenant_id, branch_id, seq)
);

-- What became of every commit id: a void one was asked about before it landed, and never will.
CREATE TABLE commit_id (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('committed', 'void')),
  seq INTEGER,
  idempotency_key TEXT,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX commit_id_idempotency_key ON commit_id (tenant_id, idempotency_key)
  WHERE idempotency_key IS NOT NULL;

CREATE TABLE audit (
  tenant_id TEXT NOT NULL,
  id INTEGER NOT NULL,
  at TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  idempotency_key TEXT,
  principal_id TEXT NOT NULL,
  principal_name TEXT NOT NULL,
  client TEXT,
  request_id TEXT NOT NULL,
  address TEXT,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  target_id TEXT,
  message TEXT NOT NULL,
  result TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE purge (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  object_id TEXT NOT NULL,
  warehouse_id TEXT NOT NULL,
  metadata_location TEXT NOT NULL,
  locations TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'done')),
  cursor TEXT,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX purge_pending ON purge (tenant_id, created_at, id) WHERE state = 'pending';

-- The folders of pending purges: closed to new tables.
CREATE TABLE purge_folder (
  tenant_id TEXT NOT NULL,
  location TEXT NOT NULL,
  purge_id TEXT NOT NULL,
  object_id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, location, purge_id)
) WITHOUT ROWID;

-- A statement that finds its condition broken inserts the reason here, which undoes its whole batch.
CREATE TABLE guard (message TEXT NOT NULL);
CREATE TRIGGER guard_raise BEFORE INSERT ON guard BEGIN
  SELECT RAISE(ABORT, NEW.message);
END;

-- The number of the newest migration; the code says which one it needs.
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version (version) VALUES (1);
