# The whole life of a table as PyIceberg lives it, told only `uri`, `warehouse` and `token` (Iceberg REST specification
# and table format specification), once through pyarrow and once through fsspec.

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import bucket
import pyarrow as pa
import pytest
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import (
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchNamespaceError,
    NoSuchTableError,
    RESTError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import EqualTo, GreaterThanOrEqual
from pyiceberg.io.fsspec import FsspecFileIO
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.sorting import NullOrder, SortDirection, SortField, SortOrder
from pyiceberg.table.statistics import BlobMetadata, StatisticsFile
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform, TruncateTransform
from pyiceberg.types import (
    DoubleType,
    FloatType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestamptzType,
)
from readable import missing_files
from server import Server
from wire import FSSPEC, Wire, engine, fresh

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "city", StringType(), required=False),
    NestedField(3, "at", TimestamptzType(), required=False),
    identifier_field_ids=[1],
)
SPEC = PartitionSpec(
    PartitionField(2, 1000, IdentityTransform(), "city"),
    PartitionField(3, 1001, DayTransform(), "at_day"),
    PartitionField(1, 1002, BucketTransform(4), "id_bucket"),
)
ORDER = SortOrder(
    SortField(2, TruncateTransform(3), SortDirection.DESC, NullOrder.NULLS_LAST),
    SortField(1, IdentityTransform(), SortDirection.ASC, NullOrder.NULLS_FIRST),
)
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module", params=[None, FSSPEC], ids=["pyarrow", "fsspec"])
def catalog(server: Server, request: pytest.FixtureRequest) -> RestCatalog:
    return engine(server, request.param)


@pytest.fixture
def space(catalog: RestCatalog) -> str:
    name = fresh("life")
    catalog.create_namespace(name)
    return name


def rows(*ids: int, city: str | None = "Łódź") -> pa.Table:
    return pa.table(
        {"id": ids, "city": [city] * len(ids), "at": [NOON + timedelta(days=n % 3) for n in ids]},
        schema=pa.schema(
            [
                pa.field("id", pa.int64(), nullable=False),
                pa.field("city", pa.string()),
                pa.field("at", pa.timestamp("us", tz="UTC")),
            ]
        ),
    )


def ids(table: Table, **scan: Any) -> list[int]:
    return sorted(table.scan(**scan).to_arrow()["id"].to_pylist())


def snapshots_of(table: Table) -> list[int]:
    return [snapshot.snapshot_id for snapshot in table.metadata.snapshots]


def test_namespaces_nest(catalog: RestCatalog) -> None:
    top = fresh("top")
    catalog.create_namespace(top, {"owner": "giant", "stays": "yes"})
    catalog.create_namespace((top, "mid"))
    catalog.create_namespace((top, "mid", "leaf"), {"deep": "1"})
    with pytest.raises(NamespaceAlreadyExistsError):
        catalog.create_namespace(top)
    with pytest.raises(RESTError, match="NoSuchNamespaceException"):
        catalog.create_namespace((top, "absent", "leaf"))

    assert (top,) in catalog.list_namespaces()
    assert (top, "mid") not in catalog.list_namespaces()
    assert catalog.list_namespaces(top) == [(top, "mid")]
    assert catalog.list_namespaces((top, "mid")) == [(top, "mid", "leaf")]
    assert catalog.list_namespaces((top, "mid", "leaf")) == []
    with pytest.raises(NoSuchNamespaceError):
        catalog.list_namespaces((top, "absent"))

    assert catalog.load_namespace_properties((top, "mid", "leaf")) == {"deep": "1"}
    summary = catalog.update_namespace_properties(top, {"owner", "never"}, {"new": "☀", "stays": "still"})
    assert summary.removed == ["owner"]
    assert summary.missing == ["never"]
    assert sorted(summary.updated) == ["new", "stays"]
    assert catalog.load_namespace_properties(top) == {"new": "☀", "stays": "still"}

    assert catalog.namespace_exists((top, "mid"))
    with pytest.raises(NamespaceNotEmptyError):
        catalog.drop_namespace(top)
    for levels in [(top, "mid", "leaf"), (top, "mid"), (top,)]:
        catalog.drop_namespace(levels)
        assert not catalog.namespace_exists(levels)
    with pytest.raises(NoSuchNamespaceError):
        catalog.drop_namespace(top)
    with pytest.raises(NoSuchNamespaceError):
        catalog.load_namespace_properties(top)


def test_file_io_is_the_one_asked_for(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA)
    wanted = FsspecFileIO if "py-io-impl" in catalog.properties else PyArrowFileIO
    assert type(table.io) is wanted


@pytest.mark.parametrize("version", [1, 2])
def test_partitioned_and_sorted(catalog: RestCatalog, space: str, version: int) -> None:
    properties = {"format-version": str(version), "owner": "giant"}
    table = catalog.create_table((space, "t"), SCHEMA, partition_spec=SPEC, sort_order=ORDER, properties=properties)
    assert table.format_version == version
    assert table.properties["owner"] == "giant"
    assert "format-version" not in table.properties
    assert [field.name for field in table.spec().fields] == ["city", "at_day", "id_bucket"]
    assert [field.direction for field in table.sort_order().fields] == [SortDirection.DESC, SortDirection.ASC]
    assert table.schema().identifier_field_names() == {"id"}
    with pytest.raises(TableAlreadyExistsError):
        catalog.create_table((space, "t"), SCHEMA)

    table.append(rows(1, 2, 3))
    table.append(rows(4, 5, city="a/b%2F c+d=ü"))
    table.append(rows(6, city=None))
    read = catalog.load_table((space, "t"))
    assert ids(read) == [1, 2, 3, 4, 5, 6]
    assert ids(read, row_filter=EqualTo("city", "a/b%2F c+d=ü")) == [4, 5]
    assert {task.file.spec_id for task in read.scan().plan_files()} == {0}
    assert len(snapshots_of(read)) == 3
    assert missing_files(read) == []


def test_format_version_3_as_far_as_pyiceberg_goes(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA, partition_spec=SPEC, properties={"format-version": "3"})
    assert table.format_version == 3
    assert table.metadata.next_row_id == 0
    with table.update_schema() as update:
        update.add_column("note", StringType(), default_value="none yet")
    with table.transaction() as transaction:
        transaction.set_properties(owner="giant")
    read = catalog.load_table((space, "t"))
    assert read.metadata == table.metadata
    assert read.schema().find_field("note").initial_default == "none yet"
    assert ids(read) == []


def test_append_overwrite_delete_upsert(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA, partition_spec=PartitionSpec(SPEC.fields[0]))
    table.append(rows(1, 2, 3))
    table.append(rows(4, city="Oslo"))
    assert ids(table) == [1, 2, 3, 4]

    table.delete(EqualTo("id", 2))
    assert ids(table) == [1, 3, 4]
    table.overwrite(rows(10, 11, city="Oslo"), overwrite_filter=EqualTo("city", "Oslo"))
    assert ids(table) == [1, 3, 10, 11]
    table.dynamic_partition_overwrite(rows(20))
    assert ids(table) == [10, 11, 20]

    result = table.upsert(rows(11, 21, city="Rīga"))
    assert (result.rows_updated, result.rows_inserted) == (1, 1)
    assert ids(table) == [10, 11, 20, 21]
    assert ids(table, row_filter=EqualTo("city", "Rīga")) == [11, 21]

    table.overwrite(rows(30, city="Oslo"))
    read = catalog.load_table((space, "t"))
    assert ids(read) == [30]
    assert read.metadata == table.metadata
    assert missing_files(read) == []


def test_schema_evolution(catalog: RestCatalog, space: str) -> None:
    schema = Schema(
        NestedField(1, "id", IntegerType(), required=False),
        NestedField(2, "size", FloatType(), required=False),
        NestedField(3, "place", StructType(NestedField(4, "city", StringType(), required=False)), required=False),
        NestedField(5, "gone", StringType(), required=False),
    )
    table = catalog.create_table((space, "t"), schema)
    table.append(pa.table({"id": [1], "size": [0.5], "place": [{"city": "Oslo"}], "gone": ["x"]}, schema=table.schema().as_arrow()))
    with table.update_schema() as update:
        update.add_column("tags", ListType(10, StringType(), element_required=False), doc="what people say")
        update.add_column(("place", "street"), StringType())
        update.rename_column("size", "weight")
        update.update_column("id", LongType())
        update.update_column("size", DoubleType())
        update.delete_column("gone")
        update.move_first("tags")
    read = catalog.load_table((space, "t"))
    assert read.schema().column_names[0] == "tags"
    assert read.schema().find_type("id") == LongType()
    assert [schema_id for schema_id in read.schemas()] == [0, 1]
    assert read.scan().to_arrow().to_pylist() == [
        {"tags": None, "id": 1, "weight": 0.5, "place": {"city": "Oslo", "street": None}}
    ]
    read.append(pa.table({"id": [2**40], "weight": [1.5]}, schema=pa.schema([("id", pa.int64()), ("weight", pa.float64())])))
    assert ids(read) == [1, 2**40]

    with read.update_schema() as update:
        update.union_by_name(pa.schema([pa.field("extra", pa.int32())]))
    assert "extra" in catalog.load_table((space, "t")).schema().column_names
    with read.update_schema(allow_incompatible_changes=True) as update:
        update.delete_column("extra")
    assert catalog.load_table((space, "t")).schema().column_names == table.schema().column_names


def test_spec_and_sort_order_evolution(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA)
    table.append(rows(1, 2))
    with table.update_spec() as update:
        update.add_field("city", IdentityTransform(), "by_city")
        update.add_field("id", BucketTransform(8), "by_id")
    table.append(rows(3, 4, city="Oslo"))
    with table.update_spec() as update:
        update.remove_field("by_id")
        update.rename_field("by_city", "town")
    with table.update_sort_order() as update:
        update.asc("city", IdentityTransform(), NullOrder.NULLS_FIRST)
        update.desc("id", IdentityTransform(), NullOrder.NULLS_LAST)
    table.append(rows(5, city="Oslo"))

    read = catalog.load_table((space, "t"))
    assert sorted(read.specs()) == [0, 1, 2]
    assert [field.name for field in read.spec().fields] == ["town"]
    assert [field.direction for field in read.sort_order().fields] == [SortDirection.ASC, SortDirection.DESC]
    assert sorted(read.sort_orders()) == [0, 1]
    assert ids(read) == [1, 2, 3, 4, 5]
    assert ids(read, row_filter=EqualTo("city", "Oslo")) == [3, 4, 5]
    assert {task.file.spec_id for task in read.scan().plan_files()} == {0, 1, 2}


def test_format_version_upgrade(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA, properties={"format-version": "1"})
    table.append(rows(1))
    with table.transaction() as transaction:
        transaction.upgrade_table_version(2)
    table.append(rows(2))
    read = catalog.load_table((space, "t"))
    assert (read.format_version, ids(read)) == (2, [1, 2])


def test_properties_and_location(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA, properties={"a": "1", "b": "2"})
    with table.transaction() as transaction:
        transaction.set_properties({"b": "ü ☀", "c": "3"})
        transaction.remove_properties("a")
    before = table.metadata_location
    with table.transaction() as transaction:
        transaction.set_properties({"c": "3"})
    read = catalog.load_table((space, "t"))
    assert {name: read.properties.get(name) for name in "abc"} == {"a": None, "b": "ü ☀", "c": "3"}
    assert read.metadata_location == before, "a commit that changes nothing writes nothing"
    assert read.location().startswith("s3://lake/")


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


def test_staged_create(catalog: RestCatalog, space: str) -> None:
    with catalog.create_table_transaction((space, "t"), SCHEMA, partition_spec=SPEC, sort_order=ORDER) as transaction:
        assert not catalog.table_exists((space, "t"))
        with transaction.update_schema() as update:
            update.add_column("note", StringType())
        transaction.set_properties(owner="giant")
        transaction.append(rows(1, 2))
    table = catalog.load_table((space, "t"))
    assert ids(table) == [1, 2]
    assert table.properties["owner"] == "giant"
    assert "note" in table.schema().column_names
    assert len(table.sort_order().fields) == 2
    assert missing_files(table) == []

    late = catalog.create_table_transaction((space, "raced"), SCHEMA)
    catalog.create_table((space, "raced"), SCHEMA)
    late.append(rows(1))
    with pytest.raises(Exception, match="(?i)already exists"):
        late.commit_transaction()
    assert ids(catalog.load_table((space, "raced"))) == []
    with pytest.raises(TableAlreadyExistsError):
        catalog.create_table_transaction((space, "raced"), SCHEMA)
    with pytest.raises(NoSuchNamespaceError):
        catalog.create_table_transaction(("absent", "t"), SCHEMA)


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
    since_first = read.incremental_append_scan().from_snapshot_id_exclusive(seen[0][0]).to_snapshot_id_inclusive(seen[2][0])
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


def test_rename(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA)
    table.append(rows(1))
    catalog.create_namespace((space, "inner"))
    renamed = catalog.rename_table((space, "t"), (space, "u"))
    assert renamed.metadata.table_uuid == table.metadata.table_uuid
    moved = catalog.rename_table((space, "u"), (space, "inner", "v"))
    assert moved.location() == table.location()
    assert not catalog.table_exists((space, "t"))
    moved.append(rows(2))
    assert ids(catalog.load_table((space, "inner", "v"))) == [1, 2]
    assert catalog.list_tables((space, "inner")) == [(space, "inner", "v")]

    again = catalog.create_table((space, "t"), SCHEMA)
    assert again.location() != table.location()
    with pytest.raises(TableAlreadyExistsError):
        catalog.rename_table((space, "t"), (space, "inner", "v"))
    with pytest.raises(NoSuchTableError):
        catalog.rename_table((space, "absent"), (space, "w"))
    with pytest.raises(NoSuchNamespaceError):
        catalog.rename_table((space, "t"), (space, "absent", "w"))


def test_register_after_drop(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA)
    table.append(rows(1, 2))
    catalog.drop_table((space, "t"))
    assert not catalog.table_exists((space, "t"))
    with pytest.raises(NoSuchTableError):
        catalog.load_table((space, "t"))
    with pytest.raises(NoSuchTableError):
        catalog.drop_table((space, "t"))

    back = catalog.register_table((space, "back"), table.metadata_location)
    assert back.metadata_location == table.metadata_location
    assert back.metadata == table.metadata
    back.append(rows(3))
    assert ids(catalog.load_table((space, "back"))) == [1, 2, 3]
    with pytest.raises(TableAlreadyExistsError):
        catalog.register_table((space, "back"), table.metadata_location)


def test_purge_takes_the_files_and_spares_the_neighbour(server: Server, catalog: RestCatalog, space: str) -> None:
    wire = Wire(server.uri, server.token)
    table = catalog.create_table((space, "t"), SCHEMA, partition_spec=SPEC)
    neighbour = catalog.create_table((space, "neighbour"), SCHEMA)
    for each in (table, neighbour):
        each.append(rows(1, 2, 3))
        each.append(rows(4))
        each.delete(EqualTo("id", 1))
    _write_statistics(table)
    s3 = {name: bucket.client(wire.get(wire.tables(space, name=name)).json["config"]) for name in ("t", "neighbour")}
    gone, kept = (f"{bucket.key(each.location())}/" for each in (table, neighbour))
    assert len(bucket.keys(s3["t"], gone)) >= 12
    before = bucket.keys(s3["neighbour"], kept)

    catalog.purge_table((space, "t"))
    assert not catalog.table_exists((space, "t"))
    end = time.monotonic() + 20
    while (left := bucket.keys(s3["t"], gone)) and time.monotonic() < end:
        time.sleep(0.3)
    # pyarrow leaves empty folder markers of its own, which no metadata names.
    assert [key for key in left if not key.endswith("/")] == []
    assert bucket.keys(s3["neighbour"], kept) == before
    assert ids(catalog.load_table((space, "neighbour"))) == [2, 3, 4]

    catalog.drop_table((space, "neighbour"), purge_requested=False)
    assert bucket.keys(s3["neighbour"], kept) == before


def test_statistics(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA)
    table.append(rows(1))
    statistics = _write_statistics(table)
    read = catalog.load_table((space, "t"))
    assert read.metadata.statistics == [statistics]
    with read.update_statistics() as update:
        update.remove_statistics(statistics.snapshot_id)
    assert catalog.load_table((space, "t")).metadata.statistics == []


def _write_statistics(table: Table) -> StatisticsFile:
    """A Puffin file of no blobs for the current snapshot, written with the table's own FileIO and committed."""
    path = f"{table.location()}/metadata/{fresh('stats')}.puffin"
    content = b"PFA1PFA1{}\x02\x00\x00\x00\x00\x00\x00\x00PFA1"
    with table.io.new_output(path).create() as file:
        file.write(content)
    statistics = StatisticsFile(
        snapshot_id=table.current_snapshot().snapshot_id,
        statistics_path=path,
        file_size_in_bytes=len(content),
        file_footer_size_in_bytes=len(content) - 4,
        blob_metadata=[
            BlobMetadata(
                type="apache-datasketches-theta-v1",
                snapshot_id=table.current_snapshot().snapshot_id,
                sequence_number=table.current_snapshot().sequence_number,
                fields=[1],
                properties={"ndv": "3"},
            )
        ],
    )
    with table.update_statistics() as update:
        update.set_statistics(statistics)
    return statistics


def test_expire_snapshots(catalog: RestCatalog, space: str) -> None:
    table = catalog.create_table((space, "t"), SCHEMA)
    for number in range(1, 5):
        table.append(rows(number))
    every = snapshots_of(table)
    table.manage_snapshots().create_tag(every[1], "kept").commit()
    table.maintenance.expire_snapshots().by_id(every[0]).commit()
    read = catalog.load_table((space, "t"))
    assert snapshots_of(read) == every[1:]
    read.maintenance.expire_snapshots().older_than(datetime.now(timezone.utc) + timedelta(days=1)).commit()
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


NAMES = [
    "with space",
    "it's \"quoted\" `so`",
    "a/b\\c",
    "100%",
    "%2F%1F%2e",
    "a+b=c&d?e#f",
    "dots.in.it",
    "...",
    "~tilde*star;semi:colon|<>{}[]^",
    "日本語 ü Ωmega",
    "🦎 pangolin 🏴‍☠️",
    "tables",
    "x" * 255,
    "🦎" * 255,
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:12])
def test_any_name_works_on_every_call(server: Server, name: str) -> None:
    catalog = engine(server)
    space = fresh("names")
    catalog.create_namespace(space)
    here = (space, name)
    catalog.create_namespace(here, {"name": name})
    catalog.create_namespace((*here, name))
    assert catalog.list_namespaces(space) == [here]
    assert catalog.list_namespaces(here) == [(*here, name)]
    assert catalog.load_namespace_properties(here) == {"name": name}
    assert catalog.update_namespace_properties(here, {"name"}, {"k": "v"}).removed == ["name"]
    assert catalog.namespace_exists((*here, name))

    table = catalog.create_table((*here, name), SCHEMA)
    table.append(rows(1))
    assert catalog.table_exists((*here, name))
    assert catalog.list_tables(here) == [(*here, name)]
    assert ids(catalog.load_table((*here, name))) == [1]
    assert catalog.load_credentials((*here, name), table.metadata_location)["s3.access-key-id"]
    catalog.rename_table((*here, name), (*here, name, "moved"))
    moved = catalog.rename_table((*here, name, "moved"), (*here, name))
    catalog.drop_table((*here, name))
    back = catalog.register_table((*here, name), moved.metadata_location)
    assert back.name()[-3:] == (space, name, name)
    catalog.purge_table((*here, name))
    assert catalog.list_tables(here) == []
    catalog.drop_namespace((*here, name))
    catalog.drop_namespace(here)
    assert catalog.list_namespaces(space) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a@b", "nul\u0000", "unit\u001f", "bell\u0007", "tag\U000e0041", "x" * 256])
def test_names_that_are_refused(server: Server, name: str) -> None:
    wire = Wire(server.uri, server.token)
    space = fresh("names")
    wire.make_namespace(space)
    refused = [
        wire.post(wire.namespaces(), {"namespace": [name]}),
        wire.post(wire.namespaces(), {"namespace": [space, name]}),
        wire.post(wire.tables(space), {"name": name, "schema": SCHEMA.model_dump(by_alias=True)}),
    ]
    assert [answer.error[:2] for answer in refused] == [(400, "BadRequestException")] * 3


@pytest.fixture(scope="module")
def crowd(server: Server) -> Iterator[str]:
    """A namespace of 23 tables and 23 namespaces."""
    wire = Wire(server.uri, server.token)
    name = fresh("crowd")
    wire.make_namespace(name)
    for number in range(23):
        wire.make_namespace(name, f"n{number:02}")
        wire.make_table(name, name=f"t{number:02}")
    yield name


@pytest.mark.parametrize("size", ["1", "7", "23", "1000"])
def test_pages(server: Server, crowd: str, size: str) -> None:
    catalog = engine(server, **{"rest-page-size": size})
    assert catalog.list_tables(crowd) == [(crowd, f"t{number:02}") for number in range(23)]
    assert catalog.list_namespaces(crowd) == [(crowd, f"n{number:02}") for number in range(23)]
