"""A table with a little of everything, and rows for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.sorting import NullOrder, SortDirection, SortField, SortOrder
from pyiceberg.table.statistics import BlobMetadata, StatisticsFile
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform, TruncateTransform
from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType

from wire import fresh

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
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


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


def write_statistics(table: Table) -> StatisticsFile:
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
