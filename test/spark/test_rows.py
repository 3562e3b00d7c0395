# Rows that change one by one: MERGE, UPDATE and DELETE, copy-on-write and merge-on-read, in format versions 2 and 3
# (Iceberg table specification, "Row-level deletes", "Deletion vectors", "Row lineage"; Iceberg's Spark documentation).

from collections.abc import Iterator

import pytest

from lake import Lake
from readable import missing_files

COPY, MERGE = "copy-on-write", "merge-on-read"


@pytest.fixture(params=[(COPY, 2), (MERGE, 2), (COPY, 3), (MERGE, 3)], ids=lambda each: f"{each[0]}-v{each[1]}")
def changing(lake: Lake, request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """A table `t` of one data file with the ids 1 to 6, and how it changes; afterwards nothing it names is missing."""
    mode, version = request.param
    lake.sql(
        f"CREATE TABLE t (id BIGINT, city STRING) TBLPROPERTIES ('format-version' = '{version}', 'write.delete.mode'"
        f" = '{mode}', 'write.update.mode' = '{mode}', 'write.merge.mode' = '{mode}')"
    )
    lake.sql("INSERT INTO t SELECT /*+ COALESCE(1) */ id, 'Oslo' FROM range(1, 7)")
    yield mode, version
    assert lake.metadata("t")["format-version"] == version
    assert missing_files(lake.in_python("t")) == []


def delete_files(lake: Lake) -> list[tuple[int, str]]:
    return lake.sql(f"SELECT content, file_format FROM {lake.space}.t.delete_files")


def expected_deletes(mode: str, version: int) -> list[tuple[int, str]]:
    """Position deletes in a file of their own; from version 3 on these are vectors in a Puffin file."""
    return [] if mode == COPY else [(1, "PARQUET" if version == 2 else "PUFFIN")]


def test_delete(lake: Lake, changing: tuple[str, int]) -> None:
    lake.sql("DELETE FROM t WHERE id IN (2, 5)")
    assert lake.column("SELECT id FROM t ORDER BY id") == [1, 3, 4, 6]
    assert delete_files(lake) == expected_deletes(*changing)
    first, last = lake.metadata("t")["snapshots"]
    assert last["parent-snapshot-id"] == first["snapshot-id"]
    assert last["summary"]["total-records"] == ("4" if changing[0] == COPY else "6")
    lake.sql("DELETE FROM t")
    assert lake.column("SELECT id FROM t") == []
    assert lake.metadata("t")["snapshots"][-1]["summary"]["total-data-files"] == "0"


def test_update(lake: Lake, changing: tuple[str, int]) -> None:
    lake.sql("UPDATE t SET city = concat('New ', city), id = id + 10 WHERE id > 4")
    assert lake.sql("SELECT id, city FROM t WHERE id > 3 ORDER BY id") == [
        (4, "Oslo"), (15, "New Oslo"), (16, "New Oslo"),
    ]
    assert delete_files(lake) == expected_deletes(*changing)
    assert lake.column("SELECT count(*) FROM t") == [6]


def test_merge(lake: Lake, changing: tuple[str, int]) -> None:
    lake.sql(
        "MERGE INTO t USING (SELECT * FROM VALUES (1L, 'Rome'), (2L, NULL), (9L, 'Bern') AS v(id, city)) s ON t.id = s.id"
        " WHEN MATCHED AND s.city IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET city = s.city"
        " WHEN NOT MATCHED THEN INSERT * WHEN NOT MATCHED BY SOURCE AND t.id = 6 THEN UPDATE SET city = 'left'"
    )
    assert lake.sql("SELECT id, city FROM t ORDER BY id") == [
        (1, "Rome"), (3, "Oslo"), (4, "Oslo"), (5, "Oslo"), (6, "left"), (9, "Bern"),
    ]
    assert delete_files(lake) == expected_deletes(*changing)


def test_rows_keep_their_ids(lake: Lake, changing: tuple[str, int]) -> None:
    """From version 3 on the catalog gives out the first row id of every snapshot; changes keep the ids of rows."""
    mode, version = changing
    before = lake.metadata("t")
    lake.sql("UPDATE t SET city = 'Rome' WHERE id = 3")
    lake.sql("INSERT INTO t VALUES (7, 'Bern')")
    after = lake.metadata("t")
    if version == 2:
        assert "next-row-id" not in after
        return
    assert before["next-row-id"] == 6
    rows = lake.sql("SELECT id, _row_id, _last_updated_sequence_number FROM t ORDER BY id")
    assert [(id_, number) for id_, number, _ in rows[:6]] == [(n, n - 1) for n in range(1, 7)]
    assert rows[6][1] >= 6
    assert [sequence for _, _, sequence in rows] == [1, 1, 2, 1, 1, 1, 3]
    starts = [(each["first-row-id"], each["added-rows"]) for each in after["snapshots"]]
    assert starts[0] == (0, 6)
    assert [start for start, _ in starts[1:]] == [starts[0][1], starts[0][1] + starts[1][1]]
    assert after["next-row-id"] == sum(added for _, added in starts)
