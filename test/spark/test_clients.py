# Spark beside others: tables shared with PyIceberg in both directions, and Spark that logs in by itself
# (Iceberg table specification; Iceberg REST specification, getToken).

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from pyiceberg.expressions import EqualTo

from lake import REFUSED, Lake
from readable import missing_files
from sample import ORDER, SCHEMA, SPEC, ids, rows
from wire import engine


def test_pyiceberg_reads_and_extends_what_spark_wrote(lake: Lake) -> None:
    lake.sql(
        "CREATE TABLE t (id BIGINT, city STRING, at TIMESTAMP, tags ARRAY<STRING>, sizes MAP<STRING, INT>)"
        " PARTITIONED BY (bucket(2, id), days(at)) TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')"
    )
    lake.sql(
        "INSERT INTO t SELECT id, concat('Łódź ', id), TIMESTAMP '2026-03-01 12:00:00' + make_interval(0, 0, 0, id),"
        " array('a', NULL), map('k', id) FROM (SELECT CAST(id AS INT) AS id FROM range(1, 5))"
    )
    lake.sql("DELETE FROM t WHERE id = 2")
    table = lake.in_python("t")
    found = table.scan(row_filter="id < 4").to_arrow().sort_by("id").to_pylist()
    assert [row["id"] for row in found] == [1, 3]
    assert found[0] == {
        "id": 1, "city": "Łódź 1", "at": datetime(2026, 3, 2, 12, tzinfo=UTC), "tags": ["a", None], "sizes": [("k", 1)],
    }
    table.append(table.scan(row_filter=EqualTo("id", 4)).to_arrow().set_column(0, "id", pa.array([9], pa.int64())))
    table.delete(EqualTo("id", 3))
    lake.sql("REFRESH TABLE t")
    assert lake.sql("SELECT id, city, sizes['k'] FROM t ORDER BY id") == [(1, "Łódź 1", 1), (4, "Łódź 4", 4), (9, "Łódź 4", 4)]
    assert missing_files(lake.in_python("t")) == []


def test_spark_reads_and_changes_what_pyiceberg_wrote(lake: Lake) -> None:
    table = engine(lake.server).create_table((lake.space, "t"), SCHEMA, partition_spec=SPEC, sort_order=ORDER)
    table.append(rows(1, 2, 3))
    table.append(rows(4, city=None))
    assert lake.sql("SELECT id, city, CAST(at AS STRING) FROM t ORDER BY id") == [
        (1, "Łódź", "2026-03-02 12:00:00"), (2, "Łódź", "2026-03-03 12:00:00"),
        (3, "Łódź", "2026-03-01 12:00:00"), (4, None, "2026-03-02 12:00:00"),
    ]
    lake.sql("UPDATE t SET city = 'Rome' WHERE id = 2")
    lake.sql("INSERT INTO t VALUES (5, 'Bern', NULL)")
    back = lake.in_python("t")
    assert ids(back) == [1, 2, 3, 4, 5]
    assert ids(back, row_filter=EqualTo("city", "Rome")) == [2]
    assert missing_files(back) == []


def test_login_with_name_and_password(lake: Lake) -> None:
    lake.attach("login", credential=f"{lake.server.username}:{lake.server.password}")
    lake.sql(f"CREATE TABLE login.{lake.space}.t AS SELECT 1 AS id")
    lake.sql(f"INSERT INTO login.{lake.space}.t VALUES (2)")
    assert lake.column("SELECT id FROM t ORDER BY id") == [1, 2]

    lake.attach("wrong", credential=f"{lake.server.username}:wrong")
    with pytest.raises(REFUSED, match="(?i)NotAuthorizedException.*invalid_client|do not match"):
        lake.sql(f"SELECT * FROM wrong.{lake.space}.t")
    lake.attach("nobody")
    with pytest.raises(REFUSED, match="NotAuthorizedException"):
        lake.sql(f"SELECT * FROM nobody.{lake.space}.t")
