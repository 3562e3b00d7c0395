-- Metadata files that were given up: whatever shows such a row can't be read any more. The file of a row is looked up by
-- its name, and the rows that were given up by where they stand.
ALTER TABLE entry ADD COLUMN trimmed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX entry_metadata ON entry (tenant_id, metadata_location) WHERE metadata_location IS NOT NULL;
CREATE INDEX entry_trimmed ON entry (tenant_id, branch_id, to_seq) WHERE trimmed = 1;

-- What engines report of their scans and commits: the last ones of each table, numbered within tenant and table.
CREATE TABLE metrics_report (
  tenant_id TEXT NOT NULL,
  id INTEGER NOT NULL,
  object_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  at TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  principal_name TEXT NOT NULL,
  client TEXT,
  report TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX metrics_report_number ON metrics_report (tenant_id, object_id, number);

UPDATE schema_version SET version = 3;
