# Many writers at once: no acknowledged write is lost or doubled, and losing a race is a 409, never anything else
# (Iceberg REST specification, updateTable and createTable).

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException

from readable import missing_files
from server import Server
from wire import SCHEMA, Answer, Wire, engine, fresh

WRITERS = 16
APPENDS = int(os.environ.get("APPENDS_PER_WRITER", "2"))
SEED = int(os.environ.get("SEED", str(random.randrange(2**32))))


def test_sixteen_appenders(server: Server) -> None:
    print(f"SEED={SEED}")
    space = fresh("appenders")
    first = engine(server)
    first.create_namespace(space)
    first.create_table((space, "t"), pa.schema([("writer", pa.int32()), ("number", pa.int32())]))
    statuses: Counter[tuple[str, int]] = Counter()
    acknowledged: list[tuple[int, int]] = []
    start = threading.Barrier(WRITERS)

    def write(writer: int) -> None:
        jitter = random.Random(SEED + writer)
        catalog = engine(server)
        # `hooks` sees every answer of the catalog, also those that PyIceberg retries by itself.
        catalog._session.hooks["response"].append(
            lambda answer, *_, **__: statuses.update([(answer.request.method, answer.status_code)])
        )
        table = catalog.load_table((space, "t"))
        start.wait()
        for number in range(APPENDS):
            row = pa.table({"writer": [writer], "number": [number]}, schema=table.schema().as_arrow())
            while True:
                try:
                    table.append(row)
                    break
                except CommitFailedException:
                    time.sleep(jitter.uniform(0.01, 0.2))
                    table.refresh()
            acknowledged.append((writer, number))

    in_parallel(write, range(WRITERS))
    table = first.load_table((space, "t"))
    found = [(row["writer"], row["number"]) for row in table.scan().to_arrow().to_pylist()]
    assert sorted(found) == sorted(acknowledged)
    assert len(found) == WRITERS * APPENDS
    assert len(table.metadata.snapshots) == WRITERS * APPENDS
    assert {status for _, status in statuses} <= {200, 409}, statuses
    assert {status for method, status in statuses if method == "GET"} == {200}, statuses
    assert statuses["POST", 200] == WRITERS * APPENDS
    assert missing_files(table) == []


def test_fifty_creates_of_one_table(server: Server) -> None:
    wire = Wire(server.uri, server.token)
    space = fresh("creates")
    wire.make_namespace(space)
    answers = together(50, lambda _: wire.post(wire.tables(space), {"name": "t", "schema": SCHEMA}))
    assert Counter(answer.status for answer in answers) == {200: 1, 409: 49}
    refused = {answer.error for answer in answers if answer.status == 409}
    assert refused == {(409, "AlreadyExistsException", f"Table already exists: {space}.t")}
    (won,) = (answer.json for answer in answers if answer.status == 200)
    loaded = wire.get(wire.tables(space, name="t")).json
    assert loaded["metadata-location"] == won["metadata-location"]
    assert loaded["metadata"] == won["metadata"]


def test_fifty_creates_of_one_namespace(server: Server) -> None:
    wire = Wire(server.uri, server.token)
    space = fresh("namespaces")
    answers = together(50, lambda _: wire.post(wire.namespaces(), {"namespace": [space]}))
    assert Counter(answer.status for answer in answers) == {200: 1, 409: 49}
    refused = {answer.error for answer in answers if answer.status == 409}
    assert refused == {(409, "AlreadyExistsException", f"Namespace already exists: {space}")}


def test_sixteen_committers_that_do_not_conflict(server: Server) -> None:
    wire = Wire(server.uri, server.token)
    space = fresh("committers")
    wire.make_namespace(space)
    uuid = wire.make_table(space, name="t")["metadata"]["table-uuid"]
    path = wire.tables(space, name="t")

    def commit(writer: int) -> list[Answer]:
        return [
            wire.post(
                path,
                {
                    "requirements": [{"type": "assert-table-uuid", "uuid": uuid}],
                    "updates": [{"action": "set-properties", "updates": {f"w{writer}.{number}": "x"}}],
                },
            )
            for number in range(8)
        ]

    answers = [answer for several in together(WRITERS, commit) for answer in several]
    assert Counter(answer.status for answer in answers) == {200: WRITERS * 8}
    metadata = wire.get(path).json["metadata"]
    assert {f"w{writer}.{number}" for writer in range(WRITERS) for number in range(8)} <= set(metadata["properties"])
    assert len({answer.json["metadata-location"] for answer in answers}) <= WRITERS * 8


def test_commits_that_exclude_each_other(server: Server) -> None:
    wire = Wire(server.uri, server.token)
    space = fresh("exclusive")
    wire.make_namespace(space)
    wire.make_table(space, name="t")

    def add_column(writer: int) -> Answer:
        fields = [*SCHEMA["fields"], {"id": 2, "name": f"c{writer}", "type": "string", "required": False}]
        return wire.post(
            wire.tables(space, name="t"),
            {
                "requirements": [{"type": "assert-current-schema-id", "current-schema-id": 0}],
                "updates": [
                    {"action": "add-schema", "schema": {**SCHEMA, "fields": fields}},
                    {"action": "set-current-schema", "schema-id": -1},
                ],
            },
        )

    answers = together(WRITERS, add_column)
    assert Counter(answer.status for answer in answers) == {200: 1, 409: WRITERS - 1}
    assert {answer.error[1] for answer in answers if answer.status == 409} == {"CommitFailedException"}
    schemas = wire.get(wire.tables(space, name="t")).json["metadata"]["schemas"]
    assert len(schemas) == 2


def test_drop_of_a_namespace_against_creates_in_it(server: Server) -> None:
    wire = Wire(server.uri, server.token)
    for _ in range(5):
        space = fresh("drop")
        wire.make_namespace(space)

        def act(number: int, space: str = space) -> Answer:
            if number == 0:
                return wire.delete(wire.namespaces(space))
            return wire.post(wire.tables(space), {"name": f"t{number}", "schema": SCHEMA})

        dropped, *created = together(8, act)
        assert dropped.status in (204, 409), dropped
        assert {answer.status for answer in created} <= {200, 404}
        kept = [answer for answer in created if answer.status == 200]
        assert (dropped.status == 204) == (not kept), (dropped, created)
        if dropped.status == 409:
            assert len(wire.get(wire.tables(space)).json["identifiers"]) == len(kept) == 7


def together(count: int, act: Any) -> list[Any]:
    """Calls `act(0)` … `act(count - 1)` at once, each in a thread of its own."""
    start = threading.Barrier(count)

    def wait_and_act(number: int) -> Any:
        start.wait()
        return act(number)

    return in_parallel(wait_and_act, range(count))


def in_parallel(act: Any, items: Any) -> list[Any]:
    with ThreadPoolExecutor(max_workers=len(items)) as pool:
        return list(pool.map(act, items))
