# DuckDB with its Iceberg extension, told nothing but endpoint, warehouse and a token or a password: SQL that writes,
# transactions, time travel, nested namespaces, and tables shared with PyIceberg (iceberg-rest §6; getToken).

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.exceptions import NoSuchTableError

from readable import missing_files
from sample import SCHEMA, ids, rows, snapshots_of
from server import Server
from wire import Wire, engine, fresh

Connect = Callable[..., duckdb.DuckDBPyConnection]


def extension(name: str) -> Path:
    """The file of an extension that was installed as a Python package."""
    package = find_spec(f"duckdb_extension_{name}")
    assert package and package.origin, name
    return next(Path(package.origin).parent.rglob("*.duckdb_extension"))


@pytest.fixture
def connect(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """
    Makes DuckDBs that have the shared catalog attached as `lake` and fetch nothing from the network. What the secret
    tells may be given; otherwise it is the administrator's token.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    # DuckDB leaves an empty folder `data` wherever it runs.
    monkeypatch.chdir(tmp_path)

    def connected(**secret: str) -> duckdb.DuckDBPyConnection:
        own = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        for name in ("avro", "httpfs", "iceberg"):
            own.load_extension(str(extension(name)))
        told = ", ".join(f"{name} '{value}'" for name, value in (secret or {"TOKEN": server.token}).items())
        own.execute(f"CREATE SECRET access (TYPE iceberg, {told})")
        own.execute(
            f"ATTACH '{server.warehouse}' AS lake"
            f" (TYPE iceberg, ENDPOINT '{server.uri}', SECRET access, SUPPORT_NESTED_NAMESPACES true)"
        )
        return own

    return connected


@pytest.fixture
def duck(connect: Connect) -> duckdb.DuckDBPyConnection:
    return connect()


def answer(duck: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    return duck.execute(query).fetchall()


def test_schema_and_table_from_birth_to_drop(duck: duckdb.DuckDBPyConnection, server: Server) -> None:
    space = fresh("duck")
    duck.execute(f"CREATE SCHEMA lake.{space}")
    duck.execute(f"CREATE TABLE lake.{space}.t (id BIGINT, city VARCHAR, seen TIMESTAMPTZ)")
    duck.execute(f"INSERT INTO lake.{space}.t VALUES (1, 'Oslo', now()), (2, 'Łódź', now()), (3, NULL, NULL)")
    duck.execute(f"UPDATE lake.{space}.t SET city = 'Rome' WHERE id = 3")
    duck.execute(f"DELETE FROM lake.{space}.t WHERE id = 2")
    assert answer(duck, f"SELECT id, city FROM lake.{space}.t ORDER BY id") == [(1, "Oslo"), (3, "Rome")]

    duck.execute(f"ALTER TABLE lake.{space}.t ADD COLUMN n INTEGER")
    duck.execute(
        f"MERGE INTO lake.{space}.t AS t USING (SELECT 3 AS id UNION ALL SELECT 4) AS s ON t.id = s.id"
        " WHEN MATCHED THEN UPDATE SET n = 7 WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'new', NULL, NULL)"
    )
    assert answer(duck, f"SELECT id, n FROM lake.{space}.t ORDER BY id") == [(1, None), (3, 7), (4, None)]
    assert missing_files(engine(server).load_table((space, "t"))) == []

    duck.execute(f"ALTER TABLE lake.{space}.t RENAME TO moved")
    assert engine(server).list_tables(space) == [(space, "moved")]
    duck.execute(f"DROP TABLE lake.{space}.moved")
    duck.execute(f"DROP SCHEMA lake.{space}")
    assert not engine(server).namespace_exists(space)


def test_client_credentials(connect: Connect, server: Server, space: str) -> None:
    """DuckDB asks for its token itself, with a user's name and password; a wrong password attaches nothing."""
    endpoint = f"{server.uri}/v1/oauth/tokens"
    duck = connect(CLIENT_ID=server.username, CLIENT_SECRET=server.password, OAUTH2_SERVER_URI=endpoint)
    duck.execute(f"CREATE TABLE lake.{space}.t AS SELECT 1 AS id")
    duck.execute(f"INSERT INTO lake.{space}.t VALUES (2)")
    duck.execute(f"DELETE FROM lake.{space}.t WHERE id = 1")
    assert answer(duck, f"SELECT id FROM lake.{space}.t") == [(2,)]
    assert ids(engine(server).load_table((space, "t"))) == [2]

    with pytest.raises(duckdb.Error, match="(?i)invalid_client|do not match"):
        connect(CLIENT_ID=server.username, CLIENT_SECRET="wrong", OAUTH2_SERVER_URI=endpoint)


def test_time_travel(duck: duckdb.DuckDBPyConnection, space: str) -> None:
    duck.execute(f"CREATE TABLE lake.{space}.t AS SELECT 1 AS id")
    duck.execute(f"INSERT INTO lake.{space}.t VALUES (2)")
    duck.execute(f"DELETE FROM lake.{space}.t WHERE id = 1")
    history = answer(duck, f"SELECT snapshot_id, timestamp_ms FROM iceberg_snapshots(lake.{space}.t) ORDER BY sequence_number")
    seen = [sorted(answer(duck, f"SELECT id FROM lake.{space}.t AT (VERSION => {snapshot})")) for snapshot, _ in history]
    assert seen == [[(1,)], [(1,), (2,)], [(2,)]]
    then = history[0][1]
    assert answer(duck, f"SELECT id FROM lake.{space}.t AT (TIMESTAMP => TIMESTAMP '{then}')") == [(1,)]


def test_two_tables_change_together_or_not_at_all(connect: Connect, space: str) -> None:
    writer, reader = connect(), connect()
    for name in ("a", "b"):
        writer.execute(f"CREATE TABLE lake.{space}.{name} (id INTEGER)")
    count = f"SELECT (SELECT count(*) FROM lake.{space}.a), (SELECT count(*) FROM lake.{space}.b)"

    writer.execute("BEGIN")
    writer.execute(f"INSERT INTO lake.{space}.a VALUES (1)")
    writer.execute(f"INSERT INTO lake.{space}.b VALUES (1), (2)")
    assert answer(reader, count) == [(0, 0)]
    writer.execute("COMMIT")
    assert answer(reader, count) == [(1, 2)]

    writer.execute("BEGIN")
    writer.execute(f"INSERT INTO lake.{space}.a VALUES (2)")
    writer.execute("ROLLBACK")
    assert answer(writer, count) == [(1, 2)]

    writer.execute("BEGIN")
    writer.execute(f"INSERT INTO lake.{space}.a VALUES (3)")
    writer.execute(f"DELETE FROM lake.{space}.b WHERE id = 1")
    reader.execute(f"DELETE FROM lake.{space}.b WHERE id = 1")
    with pytest.raises(duckdb.Error):
        writer.execute("COMMIT")
    assert answer(connect(), count) == [(1, 1)]


def test_nested_namespaces(duck: duckdb.DuckDBPyConnection, server: Server, space: str) -> None:
    Wire(server.uri, server.token).make_namespace(space, "inner")
    duck.execute(f'CREATE TABLE lake."{space}.inner".t AS SELECT 5 AS id')
    assert answer(duck, f'SELECT id FROM lake."{space}.inner".t') == [(5,)]
    assert ids(engine(server).load_table((space, "inner", "t"))) == [5]
    with pytest.raises(NoSuchTableError):
        engine(server).load_table((space, "t"))


def test_pyiceberg_and_duckdb_read_and_extend_each_other(
    duck: duckdb.DuckDBPyConnection, server: Server, space: str
) -> None:
    catalog = engine(server)
    catalog.create_table((space, "python"), SCHEMA).append(rows(1, 2))
    assert answer(duck, f"SELECT id, city FROM lake.{space}.python ORDER BY id") == [(1, "Łódź"), (2, "Łódź")]
    duck.execute(f"INSERT INTO lake.{space}.python VALUES (3, 'Oslo', now())")
    assert ids(catalog.load_table((space, "python"))) == [1, 2, 3]

    duck.execute(f"CREATE TABLE lake.{space}.sql AS SELECT range AS id FROM range(3)")
    duck.execute(f"DELETE FROM lake.{space}.sql WHERE id = 1")
    table = catalog.load_table((space, "sql"))
    assert ids(table) == [0, 2]
    table.append(pa.table({"id": [9]}))
    assert answer(duck, f"SELECT id FROM lake.{space}.sql ORDER BY id") == [(0,), (2,), (9,)]
    assert len(snapshots_of(table)) == 3
