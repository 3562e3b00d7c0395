-- What requests with an idempotency key were answered, kept for a while. A key belongs to one caller of one tenant.

CREATE TABLE idempotency (
  tenant_id TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (tenant_id, at);

-- Keys from before stand for commits that landed. No request has an empty fingerprint: reusing one is refused.
INSERT INTO idempotency (tenant_id, key, fingerprint, answer, at)
  SELECT c.tenant_id, c.idempotency_key, '', '{"kind":"none"}', min(a.at)
  FROM commit_id c JOIN audit a ON a.tenant_id = c.tenant_id AND a.commit_id = c.id
  WHERE c.idempotency_key IS NOT NULL GROUP BY c.tenant_id, c.idempotency_key;
DROP INDEX commit_id_idempotency_key;
ALTER TABLE commit_id DROP COLUMN idempotency_key;

UPDATE schema_version SET version = 2;
