# Snapshots as PyIceberg uses them: tags, branches, time travel, expiry, statistics and the metadata tables
# (Iceberg table format specification).

from datetime import UTC, datetime, timedelta

from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.expressions import GreaterThanOrEqual
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.table.refs import SnapshotRefType

from sample import SCHEMA, SPEC, ids, rows, snapshots_of, write_statistics
from server import Server
from wire import engine


def test_tags_branches_and_rollback(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA)
    table.append(rows(1))
    first = table.current_snapshot().snapshot_id
    table.append(rows(2))
    second = table.current_snapshot().snapshot_id

    table.manage_snapshots().create_tag(first, "v1", max_ref_age_ms=86_400_000).create_branch(
        second, "dev", min_snapshots_to_keep=2, max_snapshot_age_ms=1_000_000
    ).commit()
    table.append(rows(3), branch="dev")
    table.append(rows(4), branch="born")
    read = catalog.load_table((space, "t"))
    refs = read.refs()
    assert set(refs) == {"main", "v1", "dev", "born"}
    assert (refs["v1"].snapshot_ref_type, refs["v1"].snapshot_id) == (SnapshotRefType.TAG, first)
    assert refs["v1"].max_ref_age_ms == 86_400_000
    assert refs["dev"].snapshot_ref_type == SnapshotRefType.BRANCH
    assert ids(read) == [1, 2]
    assert sorted(read.scan().use_ref("dev").to_arrow()["id"].to_pylist()) == [1, 2, 3]
    assert sorted(read.scan().use_ref("born").to_arrow()["id"].to_pylist()) == [4]
    assert read.scan().use_ref("v1").to_arrow()["id"].to_pylist() == [1]

    read.manage_snapshots().rollback_to_snapshot(first).commit()
    assert ids(catalog.load_table((space, "t"))) == [1]
    read.manage_snapshots().set_current_snapshot(ref_name="dev").commit()
    assert ids(catalog.load_table((space, "t"))) == [1, 2, 3]
    read.manage_snapshots().remove_tag("v1").remove_branch("dev").commit()
    last = catalog.load_table((space, "t"))
    assert set(last.refs()) == {"main", "born"}
    assert [entry.snapshot_id for entry in last.history()][-3:] == [
        second,
        first,
        refs["dev"].snapshot_id,
    ]
    assert last.metadata == read.metadata


def test_time_travel(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA)
    seen: list[tuple[int, list[int]]] = []
    for number in range(1, 4):
        table.append(rows(number))
        seen.append((table.current_snapshot().snapshot_id, list(range(1, number + 1))))
    table.manage_snapshots().create_tag(seen[1][0], "as-of-two").commit()
    table.overwrite(rows(9))
    read = catalog.load_table((space, "t"))
    for snapshot_id, expected in seen:
        assert ids(read, snapshot_id=snapshot_id) == expected
    assert read.snapshot_by_name("as-of-two").snapshot_id == seen[1][0]
    assert sorted(read.scan().use_ref("as-of-two").to_arrow()["id"].to_pylist()) == [1, 2]
    moment = read.snapshot_by_id(seen[2][0]).timestamp_ms
    assert read.snapshot_as_of_timestamp(moment).snapshot_id == seen[2][0]
    since_first = (
        read.incremental_append_scan().from_snapshot_id_exclusive(seen[0][0]).to_snapshot_id_inclusive(seen[2][0])
    )
    assert sorted(since_first.to_arrow()["id"].to_pylist()) == [2, 3]


def test_snapshots_loaded_lazily(server: Server, catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA)
    table.append(rows(1))
    table.append(rows(2))
    refs = engine(server, catalog.properties.get("py-io-impl"), **{"snapshot-loading-mode": "refs"})
    lazy = refs.load_table((space, "t"))
    assert snapshots_of(lazy) == [table.current_snapshot().snapshot_id]
    assert ids(lazy) == [1, 2]
    assert len(snapshots_of(catalog.load_table((space, "t")))) == 2


def test_expire_snapshots(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA)
    for number in range(1, 5):
        table.append(rows(number))
    every = snapshots_of(table)
    table.manage_snapshots().create_tag(every[1], "kept").commit()
    table.maintenance.expire_snapshots().by_id(every[0]).commit()
    read = catalog.load_table((space, "t"))
    assert snapshots_of(read) == every[1:]
    read.maintenance.expire_snapshots().older_than(datetime.now(UTC) + timedelta(days=1)).commit()
    last = catalog.load_table((space, "t"))
    assert snapshots_of(last) == [every[1], every[3]]
    assert ids(last) == [1, 2, 3, 4]
    assert sorted(last.scan().use_ref("kept").to_arrow()["id"].to_pylist()) == [1, 2]


def test_metadata_tables(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA, partition_spec=PartitionSpec(SPEC.fields[0]))
    table.append(rows(1, 2))
    table.append(rows(3, city="Oslo"))
    table.delete(GreaterThanOrEqual("id", 3))
    inspect = catalog.load_table((space, "t")).inspect
    assert inspect.snapshots()["operation"].to_pylist() == ["append", "append", "delete"]
    assert inspect.history().num_rows == 3
    assert inspect.refs()["name"].to_pylist() == ["main"]
    assert inspect.files().num_rows == 1
    assert inspect.all_data_files().num_rows >= 2
    assert inspect.entries().num_rows >= 1
    assert inspect.manifests().num_rows >= 1
    assert inspect.all_manifests().num_rows >= 2
    assert inspect.partitions()["record_count"].to_pylist() == [2]
    log = inspect.metadata_log_entries()["file"].to_pylist()
    assert len(log) == 4
    assert log[-1] == catalog.load_table((space, "t")).metadata_location


def test_statistics(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA)
    table.append(rows(1))
    statistics = write_statistics(table)
    read = catalog.load_table((space, "t"))
    assert read.metadata.statistics == [statistics]
    with read.update_statistics() as update:
        update.remove_statistics(statistics.snapshot_id)
    assert catalog.load_table((space, "t")).metadata.statistics == []
