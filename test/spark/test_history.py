# A table's past and its side lines: time travel, branches, tags, write-audit-publish, rollback, and the tables of metadata
# (Iceberg table specification, "Snapshot references"; Iceberg's Spark documentation, "Time travel", "Branching", "Procedures").

from typing import Any

import pytest

from lake import REFUSED, Lake


@pytest.fixture
def past(lake: Lake) -> list[int]:
    """The snapshots of table `t`: with id 1, with 1 and 2, with 2."""
    lake.sql("CREATE TABLE t AS SELECT 1 AS id")
    lake.sql("INSERT INTO t VALUES (2)")
    lake.sql("DELETE FROM t WHERE id = 1")
    return [each["snapshot-id"] for each in lake.metadata("t")["snapshots"]]


def refs(lake: Lake) -> dict[str, Any]:
    return lake.metadata("t")["refs"]


def test_time_travel(lake: Lake, past: list[int]) -> None:
    assert [lake.column(f"SELECT id FROM t VERSION AS OF {snapshot} ORDER BY id") for snapshot in past] == [[1], [1, 2], [2]]
    times = dict(lake.sql(f"SELECT snapshot_id, CAST(committed_at AS STRING) FROM {lake.space}.t.snapshots"))
    then = [lake.column(f"SELECT id FROM t TIMESTAMP AS OF '{times[each]}' ORDER BY id") for each in past]
    assert then == [[1], [1, 2], [2]]
    with pytest.raises(REFUSED, match="(?i)cannot find|no snapshot|older"):
        lake.sql("SELECT id FROM t TIMESTAMP AS OF '2001-01-01 00:00:00'")


def test_branches_and_tags(lake: Lake, past: list[int]) -> None:
    lake.sql(f"ALTER TABLE t CREATE TAG kept AS OF VERSION {past[0]} RETAIN 30 DAYS")
    lake.sql("ALTER TABLE t CREATE BRANCH side RETAIN 7 DAYS WITH SNAPSHOT RETENTION 2 SNAPSHOTS 3 DAYS")
    lake.sql(f"INSERT INTO {lake.space}.t.branch_side VALUES (8)")
    lake.sql(f"UPDATE {lake.space}.t.branch_side SET id = 20 WHERE id = 2")
    assert lake.column("SELECT id FROM t VERSION AS OF 'side' ORDER BY id") == [8, 20]
    assert lake.column(f"SELECT id FROM {lake.space}.t.tag_kept") == [1]
    assert lake.column("SELECT id FROM t") == [2]

    day = 24 * 60 * 60 * 1000
    found = refs(lake)
    assert found["kept"] == {"snapshot-id": past[0], "type": "tag", "max-ref-age-ms": 30 * day}
    side = found["side"]
    assert side.pop("snapshot-id") not in past
    assert side == {
        "type": "branch", "max-ref-age-ms": 7 * day, "min-snapshots-to-keep": 2, "max-snapshot-age-ms": 3 * day,
    }
    assert found["main"]["snapshot-id"] == past[2]

    lake.sql(f"ALTER TABLE t REPLACE TAG kept AS OF VERSION {past[1]}")
    assert lake.column("SELECT id FROM t VERSION AS OF 'kept' ORDER BY id") == [1, 2]
    with pytest.raises(REFUSED):
        lake.sql(f"INSERT INTO {lake.space}.t.branch_kept VALUES (9)")
    with pytest.raises(REFUSED, match="(?i)already exists"):
        lake.sql("ALTER TABLE t CREATE BRANCH side")
    lake.call("fast_forward", table=lake.named("t"), branch="'main'", to="'side'")
    assert lake.column("SELECT id FROM t ORDER BY id") == [8, 20]
    lake.sql("ALTER TABLE t DROP BRANCH side")
    lake.sql("ALTER TABLE t DROP TAG kept")
    assert set(refs(lake)) == {"main"}


def test_write_audit_publish_on_a_branch(lake: Lake, past: list[int]) -> None:
    lake.sql("ALTER TABLE t SET TBLPROPERTIES ('write.wap.enabled' = 'true')")
    lake.sql("ALTER TABLE t CREATE BRANCH audit")
    lake.spark.conf.set("spark.wap.branch", "audit")
    lake.sql("INSERT INTO t VALUES (3)")
    assert lake.column("SELECT id FROM t ORDER BY id") == [2, 3]
    lake.spark.conf.unset("spark.wap.branch")
    assert lake.column("SELECT id FROM t") == [2]
    assert refs(lake)["main"]["snapshot-id"] == past[2]

    lake.call("fast_forward", table=lake.named("t"), branch="'main'", to="'audit'")
    assert lake.column("SELECT id FROM t ORDER BY id") == [2, 3]
    assert refs(lake)["main"] == refs(lake)["audit"]


def test_write_audit_publish_by_id(lake: Lake, past: list[int]) -> None:
    """The snapshot is in the table and on no branch until it is published."""
    lake.sql("ALTER TABLE t SET TBLPROPERTIES ('write.wap.enabled' = 'true')")
    lake.spark.conf.set("spark.wap.id", "job-1")
    lake.sql("INSERT INTO t VALUES (3)")
    lake.spark.conf.unset("spark.wap.id")
    staged = lake.metadata("t")["snapshots"][-1]
    assert staged["summary"]["wap.id"] == "job-1"
    assert lake.column("SELECT id FROM t") == [2]
    assert refs(lake) == {"main": {"snapshot-id": past[2], "type": "branch"}}
    lake.call("publish_changes", table=lake.named("t"), wap_id="'job-1'")
    assert lake.column("SELECT id FROM t ORDER BY id") == [2, 3]


def test_rollback_and_cherry_pick(lake: Lake, past: list[int]) -> None:
    lake.call("rollback_to_snapshot", table=lake.named("t"), snapshot_id=str(past[0]))
    assert lake.column("SELECT id FROM t") == [1]
    lake.call("cherrypick_snapshot", table=lake.named("t"), snapshot_id=str(past[1]))
    assert lake.column("SELECT id FROM t ORDER BY id") == [1, 2]
    lake.call("set_current_snapshot", table=lake.named("t"), snapshot_id=str(past[2]))
    assert lake.column("SELECT id FROM t") == [2]
    assert refs(lake)["main"]["snapshot-id"] == past[2]
    assert [each["snapshot-id"] for each in lake.metadata("t")["snapshot-log"]] == [
        *past, past[0], past[1], past[2],
    ]


def test_tables_of_metadata(lake: Lake, past: list[int]) -> None:
    lake.sql("ALTER TABLE t CREATE TAG mark")
    metadata = lake.metadata("t")
    assert lake.sql(f"SELECT snapshot_id, operation FROM {lake.space}.t.snapshots ORDER BY committed_at") == [
        (each["snapshot-id"], each["summary"]["operation"]) for each in metadata["snapshots"]
    ]
    assert lake.sql(f"SELECT snapshot_id, is_current_ancestor FROM {lake.space}.t.history ORDER BY made_current_at") == [
        (each, True) for each in past
    ]
    assert lake.sql(f"SELECT name, type, snapshot_id FROM {lake.space}.t.refs ORDER BY name") == [
        ("main", "BRANCH", past[2]), ("mark", "TAG", past[2]),
    ]
    paths = lake.column(f"SELECT file_path FROM {lake.space}.t.files")
    assert [lake.column(f"SELECT sum(record_count) FROM {lake.space}.t.files"), len(paths)] == [[1], 1]
    assert paths[0].startswith(metadata["location"])
    assert lake.column(f"SELECT count(*) > 0 FROM {lake.space}.t.manifests") == [True]
    assert lake.sql(f"SELECT record_count, file_count FROM {lake.space}.t.partitions") == [(1, 1)]
    assert set(lake.column(f"SELECT snapshot_id FROM {lake.space}.t.all_manifests m JOIN {lake.space}.t.snapshots s ON m.reference_snapshot_id = s.snapshot_id")) == set(past)
    files = lake.column(f"SELECT file FROM {lake.space}.t.metadata_log_entries ORDER BY timestamp")
    assert files[-1] == lake.state("t")["metadata-location"]
    assert files[:-1] == [each["metadata-file"] for each in metadata["metadata-log"]]
