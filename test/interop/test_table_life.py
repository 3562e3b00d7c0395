# The whole life of a table as PyIceberg lives it, told only `uri`, `warehouse` and `token` (Iceberg REST specification
# and table format specification), once through pyarrow and once through fsspec.

import time

import pyarrow as pa
import pytest
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import (
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import EqualTo
from pyiceberg.io.fsspec import FsspecFileIO
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import NullOrder, SortDirection
from pyiceberg.transforms import BucketTransform, IdentityTransform
from pyiceberg.types import DoubleType, FloatType, IntegerType, ListType, LongType, NestedField, StringType, StructType

import bucket
from readable import missing_files
from sample import ORDER, SCHEMA, SPEC, ids, rows, snapshots_of, write_statistics
from server import Server
from wire import Wire


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
    table.append(
        pa.table(
            {"id": [1], "size": [0.5], "place": [{"city": "Oslo"}], "gone": ["x"]}, schema=table.schema().as_arrow()
        )
    )
    with table.update_schema() as update:
        update.add_column("tags", ListType(10, StringType(), element_required=False), doc="what people say")
        update.add_column(("place", "street"), StringType())
        update.rename_column("size", "weight")
        update.update_column("id", LongType())
        update.update_column("size", DoubleType())
        update.delete_column("gone")
        update.move_first("tags")
    read = catalog.load_table((space, "t"))
    assert read.schema().fields[0].name == "tags"
    assert read.schema().find_type("id") == LongType()
    assert [schema_id for schema_id in read.schemas()] == [0, 1]
    assert read.scan().to_arrow().to_pylist() == [
        {"tags": None, "id": 1, "weight": 0.5, "place": {"city": "Oslo", "street": None}}
    ]
    read.append(
        pa.table({"id": [2**40], "weight": [1.5]}, schema=pa.schema([("id", pa.int64()), ("weight", pa.float64())]))
    )
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
    with pytest.raises(Exception, match=r"(?i)already exists"):
        late.commit_transaction()
    assert ids(catalog.load_table((space, "raced"))) == []
    with pytest.raises(TableAlreadyExistsError):
        catalog.create_table_transaction((space, "raced"), SCHEMA)
    with pytest.raises(NoSuchNamespaceError):
        catalog.create_table_transaction(("absent", "t"), SCHEMA)


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
    write_statistics(table)
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
