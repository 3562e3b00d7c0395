# A table that changes its shape: columns and partitioning, with old and new rows side by side
# (Iceberg table specification, "Schema evolution" and "Partition evolution"; Iceberg's Spark documentation, "ALTER TABLE").

import pytest

from lake import REFUSED, Lake


def test_columns(lake: Lake) -> None:
    lake.sql("CREATE TABLE t (id INT, city STRING, size FLOAT, at STRUCT<x: INT, y: INT>, price DECIMAL(6, 2))")
    lake.sql("INSERT INTO t VALUES (1, 'Oslo', 1.5, named_struct('x', 1, 'y', 2), 10.25)")
    for change in (
        "ADD COLUMNS (tag STRING COMMENT 'late', at.z BIGINT)",
        "RENAME COLUMN city TO town",
        "ALTER COLUMN id TYPE BIGINT",
        "ALTER COLUMN size TYPE DOUBLE",
        "ALTER COLUMN price TYPE DECIMAL(10, 2)",
        "ALTER COLUMN tag FIRST",
        "ALTER COLUMN at.z AFTER x",
        "ALTER COLUMN town COMMENT 'where'",
        "DROP COLUMN at.y",
    ):
        lake.sql(f"ALTER TABLE t {change}")
    lake.sql("INSERT INTO t VALUES ('new', 5000000000, 'Rome', 2.5, named_struct('x', 3, 'z', 4L), 99999999.99)")
    assert lake.sql("SELECT tag, id, town, size, at.x, at.z, CAST(price AS STRING) FROM t ORDER BY id") == [
        (None, 1, "Oslo", 1.5, 1, None, "10.25"), ("new", 5_000_000_000, "Rome", 2.5, 3, 4, "99999999.99"),
    ]
    metadata = lake.metadata("t")
    (schema,) = [each for each in metadata["schemas"] if each["schema-id"] == metadata["current-schema-id"]]
    assert [(each["id"], each["name"]) for each in schema["fields"]] == [
        (8, "tag"), (1, "id"), (2, "town"), (3, "size"), (4, "at"), (5, "price"),
    ]
    assert metadata["last-column-id"] == 9

    lake.sql("ALTER TABLE t DROP COLUMN town")
    lake.sql("ALTER TABLE t ADD COLUMN town STRING")
    assert lake.column("SELECT town FROM t") == [None, None]
    for change in ("ALTER COLUMN id TYPE INT", "ADD COLUMN tag INT", "RENAME COLUMN size TO id", "DROP COLUMN absent"):
        with pytest.raises(REFUSED):
            lake.sql(f"ALTER TABLE t {change}")
    assert lake.metadata("t")["last-column-id"] == 10


def test_rows_of_every_schema(lake: Lake) -> None:
    """Time travel shows the columns of that time."""
    lake.sql("CREATE TABLE t AS SELECT 1 AS id, 'a' AS old")
    lake.sql("ALTER TABLE t DROP COLUMN old")
    lake.sql("ALTER TABLE t ADD COLUMN new INT")
    lake.sql("INSERT INTO t VALUES (2, 22)")
    first, second = lake.metadata("t")["snapshots"]
    assert first["schema-id"] != second["schema-id"]
    assert lake.spark.sql(f"SELECT * FROM t VERSION AS OF {first['snapshot-id']}").columns == ["id", "old"]
    assert lake.sql("SELECT id, new FROM t ORDER BY id") == [(1, None), (2, 22)]


def test_partitions(lake: Lake) -> None:
    lake.sql("CREATE TABLE t (id BIGINT, city STRING, at TIMESTAMP) PARTITIONED BY (days(at))")
    insert = "INSERT INTO t VALUES ({}, '{}', TIMESTAMP '2026-03-01 12:00:00')"
    lake.sql(insert.format(1, "Oslo"))
    lake.sql("ALTER TABLE t ADD PARTITION FIELD bucket(4, id) AS shard")
    lake.sql("ALTER TABLE t REPLACE PARTITION FIELD days(at) WITH months(at)")
    lake.sql(insert.format(2, "Rome"))
    lake.sql("ALTER TABLE t DROP PARTITION FIELD shard")
    lake.sql("ALTER TABLE t ADD PARTITION FIELD truncate(2, city)")
    lake.sql(insert.format(3, "Bern"))

    assert lake.column("SELECT id FROM t WHERE at >= '2026-03-01' ORDER BY id") == [1, 2, 3]
    assert lake.column("SELECT id FROM t WHERE city = 'Bern'") == [3]
    assert lake.sql(f"SELECT spec_id, record_count FROM {lake.space}.t.partitions ORDER BY spec_id") == [
        (spec_id, 1) for spec_id in sorted({file for file in lake.column(f"SELECT spec_id FROM {lake.space}.t.files")})
    ]
    assert len(set(lake.column(f"SELECT spec_id FROM {lake.space}.t.files"))) == 3
    metadata = lake.metadata("t")
    (spec,) = [each for each in metadata["partition-specs"] if each["spec-id"] == metadata["default-spec-id"]]
    assert [each["transform"] for each in spec["fields"]] == ["month", "truncate[2]"]
    ids = [field["field-id"] for each in metadata["partition-specs"] for field in each["fields"]]
    assert metadata["last-partition-id"] == max(ids)

    lake.sql("DELETE FROM t WHERE id = 1")
    lake.sql("UPDATE t SET city = 'Brno' WHERE id = 2")
    assert lake.sql("SELECT id, city FROM t ORDER BY id") == [(2, "Brno"), (3, "Bern")]
    with pytest.raises(REFUSED):
        lake.sql("ALTER TABLE t DROP PARTITION FIELD shard")
