# Upkeep by Spark's procedures, and tables that come and go: compaction, expiry, manifests, register, purge
# (Iceberg's Spark documentation, "Procedures"; Iceberg REST specification, registerTable and dropTable).

import time

import pytest

from lake import REFUSED, Lake
from readable import missing_files

PURGED_SECONDS_MAX = 60


def fill(lake: Lake, version: int = 2) -> None:
    """Table `t` with the ids 1 to 5 from three files, and two deletes kept beside them."""
    lake.sql(
        "CREATE TABLE t (id BIGINT, city STRING) PARTITIONED BY (city)"
        f" TBLPROPERTIES ('format-version' = '{version}', 'write.delete.mode' = 'merge-on-read')"
    )
    for first in (0, 3, 6):
        lake.sql(f"INSERT INTO t SELECT /*+ COALESCE(1) */ id, 'Oslo' FROM range({first}, {first + 3})")
    lake.sql("DELETE FROM t WHERE id = 0")
    lake.sql("DELETE FROM t WHERE id > 5")
    assert lake.column("SELECT id FROM t ORDER BY id") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("version", [2, 3])
def test_rewrite_and_expire(lake: Lake, version: int) -> None:
    """Files are gone once no snapshot names them, and no sooner."""
    fill(lake, version)
    files = lake.files("t")
    before = lake.metadata("t")
    lake.sql("ALTER TABLE t CREATE TAG kept")
    old = set(lake.column(f"SELECT file_path FROM {lake.space}.t.files"))
    done = lake.call("rewrite_data_files", table=lake.named("t"), options="map('rewrite-all', 'true')")
    assert (done["rewritten_data_files_count"], done["added_data_files_count"]) == (2, 1)
    assert lake.column("SELECT id FROM t ORDER BY id") == [1, 2, 3, 4, 5]
    assert lake.metadata("t")["snapshots"][-1]["summary"]["operation"] == "replace"
    assert {f"s3://lake/{key}" for key in files.keys()} >= old

    expire = {"table": lake.named("t"), "older_than": "TIMESTAMP '2100-01-01 00:00:00'", "retain_last": "1"}
    lake.call("expire_snapshots", **expire)
    left = {each["snapshot-id"] for each in lake.metadata("t")["snapshots"]}
    assert left == {before["current-snapshot-id"], lake.metadata("t")["current-snapshot-id"]}
    assert lake.column("SELECT id FROM t VERSION AS OF 'kept' ORDER BY id") == [1, 2, 3, 4, 5]

    lake.sql("ALTER TABLE t DROP TAG kept")
    gone = lake.call("expire_snapshots", **expire)
    assert gone["deleted_data_files_count"] == 2
    assert len(lake.metadata("t")["snapshots"]) == 1
    assert not {f"s3://lake/{key}" for key in files.keys()} & old
    assert lake.column("SELECT id FROM t ORDER BY id") == [1, 2, 3, 4, 5]
    assert missing_files(lake.in_python("t")) == []


def test_rewrite_manifests(lake: Lake) -> None:
    lake.sql("CREATE TABLE t AS SELECT 1 AS id")
    lake.sql("INSERT INTO t VALUES (2)")
    lake.sql("INSERT INTO t VALUES (3)")
    assert lake.column(f"SELECT count(*) FROM {lake.space}.t.manifests") == [3]
    done = lake.call("rewrite_manifests", table=lake.named("t"))
    assert (done["rewritten_manifests_count"], done["added_manifests_count"]) == (3, 1)
    assert lake.column(f"SELECT count(*) FROM {lake.space}.t.manifests") == [1]
    assert lake.column("SELECT id FROM t ORDER BY id") == [1, 2, 3]


def test_drop_and_register(lake: Lake) -> None:
    lake.sql("CREATE TABLE t AS SELECT 1 AS id")
    lake.sql("INSERT INTO t VALUES (2)")
    before = lake.state("t")
    lake.sql("DROP TABLE t")
    back = {"table": lake.named("back"), "metadata_file": f"'{before['metadata-location']}'"}
    done = lake.call("register_table", **back)
    assert done["current_snapshot_id"] == before["metadata"]["current-snapshot-id"]
    assert lake.state("back")["metadata"] == before["metadata"]
    assert lake.state("back")["metadata-location"] == before["metadata-location"]
    assert lake.column(f"SELECT id FROM back VERSION AS OF {before['metadata']['snapshots'][0]['snapshot-id']}") == [1]
    lake.sql("INSERT INTO back VALUES (3)")
    assert lake.column("SELECT id FROM back ORDER BY id") == [1, 2, 3]
    with pytest.raises(REFUSED, match="(?i)already exists"):
        lake.call("register_table", **back)


def test_purge_by_spark(lake: Lake) -> None:
    """This Spark deletes the files itself, with the credential of the table, and then drops it."""
    fill(lake)
    files = lake.files("t")
    assert len(files.keys()) > 15
    lake.sql("DROP TABLE t PURGE")
    assert lake.tables() == set()
    assert files.keys() == set()


@pytest.mark.parametrize("version", [2, 3])
def test_purge_by_the_catalog(lake: Lake, version: int) -> None:
    """Java's own client asks the catalog to purge what Spark wrote, deletes and old metadata included."""
    fill(lake, version)
    lake.sql("CREATE TABLE neighbour AS SELECT 1 AS id")
    lake.call("rewrite_data_files", table=lake.named("t"), options="map('rewrite-all', 'true')")
    files, kept = lake.files("t"), lake.files("neighbour")
    before = kept.keys()
    assert len(files.keys()) > 15

    java = lake.spark._jvm.org.apache.iceberg
    catalog = java.spark.Spark3Util.loadIcebergCatalog(lake.spark._jsparkSession, "lake")
    assert catalog.dropTable(java.catalog.TableIdentifier.parse(f"{lake.space}.t"), True)
    assert lake.tables() == {"neighbour"}
    end = time.monotonic() + PURGED_SECONDS_MAX
    while files.keys() and time.monotonic() < end:
        time.sleep(0.3)
    assert files.keys() == set()
    assert kept.keys() == before
    assert lake.column("SELECT id FROM neighbour") == [1]
