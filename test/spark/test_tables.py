# Spark's SQL for namespaces and whole tables: nested namespaces, create, insert, overwrite, replace, properties, rename,
# drop (Iceberg REST specification, namespaces and tables; Iceberg's Spark documentation, "DDL" and "Writes").

import pytest
from pyspark.errors import AnalysisException

from lake import REFUSED, Lake
from readable import missing_files
from wire import encoded


def test_nested_namespaces(lake: Lake) -> None:
    top = f"lake.{lake.space}"
    lake.sql(f"CREATE NAMESPACE {top}.inner WITH DBPROPERTIES ('team' = 'geo', 'left' = '1')")
    lake.sql(f"CREATE NAMESPACE {top}.inner.deep")
    lake.sql(f"CREATE TABLE {top}.inner.deep.t AS SELECT 7 AS id")
    lake.sql(f"CREATE TABLE {top}.t AS SELECT 8 AS id")
    assert lake.column(f"SHOW NAMESPACES IN {top}") == [f"{lake.space}.inner"]
    assert lake.column(f"SHOW NAMESPACES IN {top}.inner") == [f"{lake.space}.inner.deep"]
    assert lake.column(f"SELECT id FROM {top}.inner.deep.t UNION ALL SELECT id FROM {top}.t") == [7, 8]
    assert lake.sql(f"SHOW TABLES IN {top}.inner") == []

    lake.sql(f"ALTER NAMESPACE {top}.inner SET PROPERTIES ('team' = 'sea', 'right' = '2')")
    lake.sql(f"ALTER NAMESPACE {top}.inner UNSET PROPERTIES ('left')")
    inner = lake.wire.get(lake.wire.namespaces(lake.space, "inner")).json
    assert inner["namespace"] == [lake.space, "inner"]
    assert {name: inner["properties"].get(name) for name in ("team", "left", "right")} == {
        "team": "sea", "left": None, "right": "2",
    }

    with pytest.raises(REFUSED, match="(?i)not empty"):
        lake.sql(f"DROP NAMESPACE {top}.inner")
    lake.sql(f"DROP TABLE {top}.inner.deep.t")
    lake.sql(f"DROP NAMESPACE {top}.inner.deep")
    lake.sql(f"DROP NAMESPACE {top}.inner")
    assert lake.sql(f"SHOW NAMESPACES IN {top}") == []
    assert lake.wire.head(lake.wire.namespaces(lake.space, "inner")).status == 404


def test_what_is_not_there(lake: Lake) -> None:
    """The names of metadata tables look like tables in a namespace named like the table: asking must not be an error."""
    lake.sql("CREATE TABLE t (id INT)")
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        lake.sql("SELECT * FROM absent")
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        lake.sql("SELECT * FROM t.absent")
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        lake.sql("SELECT * FROM t.files")
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_ALREADY_EXISTS"):
        lake.sql("CREATE TABLE t (id INT)")
    lake.sql("CREATE TABLE IF NOT EXISTS t (other STRING)")
    assert [field["name"] for field in lake.metadata("t")["schemas"][0]["fields"]] == ["id"]
    lake.sql("DROP TABLE IF EXISTS absent")
    assert lake.wire.head(f"/v1/demo/namespaces/{encoded([lake.space, 't'])}").status == 404


def test_create_as_select(lake: Lake) -> None:
    lake.sql(
        "CREATE TABLE t USING iceberg PARTITIONED BY (city, bucket(2, id)) TBLPROPERTIES ('kind' = 'made')"
        " AS SELECT * FROM VALUES (1L, 'Oslo', TIMESTAMP '2026-03-01 12:00:00'), (2L, 'Łódź', NULL) AS v(id, city, at)"
    )
    assert lake.sql("SELECT id, city, CAST(at AS STRING) FROM t ORDER BY id") == [
        (1, "Oslo", "2026-03-01 12:00:00"), (2, "Łódź", None),
    ]
    metadata = lake.metadata("t")
    assert [field["transform"] for field in metadata["partition-specs"][0]["fields"]] == ["identity", "bucket[2]"]
    assert [field["type"] for field in metadata["schemas"][0]["fields"]] == ["long", "string", "timestamptz"]
    assert metadata["properties"]["kind"] == "made"
    assert len(metadata["snapshots"]) == 1


def test_create_as_select_that_fails_leaves_nothing(lake: Lake) -> None:
    """The table is staged: it is there only once its rows are."""
    with pytest.raises(REFUSED, match="on purpose"):
        lake.sql("CREATE TABLE t AS SELECT CAST(raise_error('on purpose') AS INT) AS id")
    assert lake.tables() == set()
    lake.sql("CREATE TABLE t AS SELECT 1 AS id")
    assert lake.column("SELECT id FROM t") == [1]


def test_insert_and_overwrite(lake: Lake) -> None:
    lake.sql("CREATE TABLE t (id BIGINT, city STRING) PARTITIONED BY (city)")
    lake.sql("INSERT INTO t VALUES (1, 'Oslo'), (2, 'Rome')")
    lake.sql("INSERT INTO t (city, id) VALUES ('Oslo', 3)")
    assert lake.sql("SELECT * FROM t ORDER BY id") == [(1, "Oslo"), (2, "Rome"), (3, "Oslo")]

    lake.spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    lake.sql("INSERT OVERWRITE t VALUES (4, 'Oslo')")
    assert lake.sql("SELECT * FROM t ORDER BY id") == [(2, "Rome"), (4, "Oslo")]
    lake.spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
    lake.sql("INSERT OVERWRITE t PARTITION (city = 'Rome') SELECT 5L")
    assert lake.sql("SELECT * FROM t ORDER BY id") == [(4, "Oslo"), (5, "Rome")]
    lake.sql("INSERT OVERWRITE t VALUES (6, 'Bern')")
    assert lake.sql("SELECT * FROM t ORDER BY id") == [(6, "Bern")]

    operations = [snapshot["summary"]["operation"] for snapshot in lake.metadata("t")["snapshots"]]
    assert operations == ["append", "append", "overwrite", "overwrite", "overwrite"]
    assert missing_files(lake.in_python("t")) == []


def test_replace(lake: Lake) -> None:
    lake.sql("CREATE OR REPLACE TABLE t TBLPROPERTIES ('a' = '1') AS SELECT 1 AS id, 'x' AS word")
    first = lake.metadata("t")
    lake.sql("REPLACE TABLE t PARTITIONED BY (day) AS SELECT 2L AS id, DATE '2026-03-01' AS day")
    lake.sql("CREATE OR REPLACE TABLE t TBLPROPERTIES ('b' = '2') AS SELECT 3 AS id, 'y' AS word")
    assert lake.sql("SELECT id, word FROM t") == [(3, "y")]

    last = lake.metadata("t")
    assert (last["table-uuid"], last["location"]) == (first["table-uuid"], first["location"])
    assert len(last["snapshots"]) == 3
    assert last["properties"]["b"] == "2"
    assert lake.sql(f"SELECT * FROM t VERSION AS OF {first['current-snapshot-id']}") == [(1, "x")]
    assert lake.sql(f"SELECT * FROM t VERSION AS OF {last['snapshots'][1]['snapshot-id']}")[0][0] == 2

    lake.sql("REPLACE TABLE t (only STRING)")
    assert lake.sql("SELECT * FROM t") == []
    assert lake.metadata("t").get("current-snapshot-id") in (None, -1)
    with pytest.raises(REFUSED, match="(?i)not.*exist|NOT_FOUND"):
        lake.sql("REPLACE TABLE absent AS SELECT 1 AS id")


def test_properties_comments_and_order(lake: Lake) -> None:
    lake.sql("CREATE TABLE t (id BIGINT NOT NULL COMMENT 'the key', city STRING) COMMENT 'places'")
    lake.sql("ALTER TABLE t SET TBLPROPERTIES ('a' = '1', 'b' = '2', 'comment' = 'towns')")
    lake.sql("ALTER TABLE t UNSET TBLPROPERTIES ('a')")
    lake.sql("ALTER TABLE t WRITE ORDERED BY city DESC NULLS LAST, id")
    lake.sql("ALTER TABLE t SET IDENTIFIER FIELDS id")
    shown = dict(lake.sql("SHOW TBLPROPERTIES t"))
    assert (shown.get("a"), shown["b"], shown["sort-order"]) == (None, "2", "city DESC NULLS LAST, id ASC NULLS FIRST")
    metadata = lake.metadata("t")
    assert {name: metadata["properties"].get(name) for name in ("a", "b", "comment")} == {
        "a": None, "b": "2", "comment": "towns",
    }
    (schema,) = [each for each in metadata["schemas"] if each["schema-id"] == metadata["current-schema-id"]]
    assert schema["identifier-field-ids"] == [1]
    assert schema["fields"][0] == {"id": 1, "name": "id", "required": True, "type": "long", "doc": "the key"}
    (order,) = [each for each in metadata["sort-orders"] if each["order-id"] == metadata["default-sort-order-id"]]
    assert [(each["source-id"], each["direction"], each["null-order"]) for each in order["fields"]] == [
        (2, "desc", "nulls-last"), (1, "asc", "nulls-first"),
    ]


def test_rename(lake: Lake) -> None:
    lake.sql("CREATE TABLE t AS SELECT 1 AS id")
    lake.sql(f"CREATE NAMESPACE lake.{lake.space}.other")
    lake.sql(f"ALTER TABLE t RENAME TO {lake.space}.moved")
    assert lake.tables() == {"moved"}
    lake.sql(f"ALTER TABLE moved RENAME TO {lake.space}.other.far")
    lake.sql(f"INSERT INTO lake.{lake.space}.other.far VALUES (2)")
    assert lake.column(f"SELECT id FROM lake.{lake.space}.other.far ORDER BY id") == [1, 2]
    assert lake.tables() == set()

    lake.sql("CREATE TABLE t AS SELECT 9 AS id")
    lake.sql("CREATE TABLE taken AS SELECT 8 AS id")
    with pytest.raises(REFUSED, match="(?i)already.exists"):
        lake.sql(f"ALTER TABLE t RENAME TO {lake.space}.taken")
    assert lake.column("SELECT id FROM t UNION ALL SELECT id FROM taken") == [9, 8]


def test_location_of_ones_own(lake: Lake) -> None:
    """An administrator may say where a table lies; below another table nobody may."""
    lake.sql("CREATE TABLE t (id INT)")
    folder = lake.metadata("t")["location"]
    chosen = f"{folder.rsplit('/', 1)[0]}/chosen_{lake.space}"
    lake.sql(f"CREATE TABLE own LOCATION '{chosen}' AS SELECT 5 AS id")
    assert lake.metadata("own")["location"] == chosen
    assert lake.column("SELECT id FROM own") == [5]
    for place in (f"{folder}/inside", f"{chosen}/inside", "s3://elsewhere/folder"):
        with pytest.raises(REFUSED):
            lake.sql(f"CREATE TABLE bad LOCATION '{place}' AS SELECT 6 AS id")
    assert lake.tables() == {"t", "own"}


def test_drop_keeps_the_files(lake: Lake) -> None:
    lake.sql("CREATE TABLE t AS SELECT 1 AS id")
    files = lake.files("t")
    before = files.keys()
    assert len(before) >= 4
    lake.sql("DROP TABLE t")
    assert lake.tables() == set()
    assert files.keys() == before
