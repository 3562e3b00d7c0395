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
import pytest
from pyiceberg.exceptions import CommitFailedException

from readable import missing_files
from server import Server
from wire import SCHEMA, Answer, Wire, engine, fresh

WRITERS = 16
APPENDS = int(os.environ.get("APPENDS_PER_WRITER", "2"))
TRANSACTIONS = int(os.environ.get("TRANSACTIONS_PER_WRITER", "2"))
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


def test_fifty_creates_of_one_view(server: Server) -> None:
    wire = Wire(server.uri, server.token)
    space = fresh("views")
    wire.make_namespace(space)
    path = f"{wire.namespaces(space)}/views"
    answers = together(50, lambda number: wire.post(path, view("v", f"select {number}")))
    assert Counter(answer.status for answer in answers) == {200: 1, 409: 49}
    refused = {answer.error for answer in answers if answer.status == 409}
    assert refused == {(409, "AlreadyExistsException", f"View already exists: {space}.v")}
    (won,) = (answer.json for answer in answers if answer.status == 200)
    assert wire.get(f"{path}/v").json["metadata-location"] == won["metadata-location"]


def test_fifty_creates_of_a_name_as_table_and_as_view(server: Server) -> None:
    wire = Wire(server.uri, server.token)
    space = fresh("either")
    wire.make_namespace(space)

    def make(number: int) -> Answer:
        if number % 2:
            return wire.post(wire.tables(space), {"name": "t", "schema": SCHEMA})
        return wire.post(f"{wire.namespaces(space)}/views", view("t", "select 1"))

    answers = together(50, make)
    assert Counter(answer.status for answer in answers) == {200: 1, 409: 49}
    listed = [len(wire.get(f"{wire.namespaces(space)}/{kind}").json["identifiers"]) for kind in ("tables", "views")]
    assert sum(listed) == 1


@pytest.mark.parametrize("names", [1, 50])
def test_fifty_registers_of_one_file(server: Server, names: int) -> None:
    """Under one name, and each under its own: a file is one table's."""
    wire = Wire(server.uri, server.token)
    space = fresh("registers")
    wire.make_namespace(space)
    location = wire.make_table(space, name="gone")["metadata-location"]
    assert wire.delete(wire.tables(space, name="gone")).status == 204

    def register(number: int) -> Answer:
        body = {"name": f"back{number % names}", "metadata-location": location}
        return wire.post(f"{wire.namespaces(space)}/register", body)

    statuses = Counter(answer.status for answer in together(50, register))
    assert statuses == ({200: 1, 409: 49} if names == 1 else {200: 1, 400: 49})
    assert len(wire.get(wire.tables(space)).json["identifiers"]) == 1


def test_a_hundred_writers_of_one_table(server: Server) -> None:
    """Half of them require what only one of them can have; nobody is turned away or answered anything but the truth."""
    wire = Wire(server.uri, server.token)
    space = fresh("hundred")
    wire.make_namespace(space)
    wire.make_table(space, name="t")
    path = wire.tables(space, name="t")

    def commit(writer: int) -> tuple[Answer, float]:
        requirements = [{"type": "assert-last-assigned-field-id", "last-assigned-field-id": 1}] if writer % 2 else []
        fields = [*SCHEMA["fields"], {"id": 2, "name": f"c{writer}", "type": "string", "required": False}]
        schema = [{"action": "add-schema", "schema": {**SCHEMA, "fields": fields}}] if writer % 2 else []
        updates = [*schema, {"action": "set-properties", "updates": {f"w{writer}": "x"}}]
        begun = time.monotonic()
        answer = wire.post(path, {"requirements": requirements, "updates": updates}, timeout=120)
        return answer, time.monotonic() - begun

    outcomes = together(100, commit)
    print(f"slowest of 100 writers of one table: {max(seconds for _, seconds in outcomes):.2f} s")
    assert Counter(answer.status for answer, _ in outcomes) == {200: 51, 409: 49}
    assert {answer.error[1] for answer, _ in outcomes if answer.status == 409} == {"CommitFailedException"}
    properties = wire.get(path).json["metadata"]["properties"]
    done = {f"w{writer}" for writer, (answer, _) in enumerate(outcomes) if answer.status == 200}
    assert {name for name in properties if name.startswith("w") and name[1:].isdigit()} == done


def test_transactions_over_overlapping_tables(server: Server) -> None:
    """Nobody waits for somebody who waits for him, everybody gets through, and no reader ever sees a half."""
    print(f"SEED={SEED}")
    wire = Wire(server.uri, server.token)
    space = fresh("overlapping")
    wire.make_namespace(space)
    names = [f"t{number}" for number in range(5)]
    for name in names:
        wire.make_table(space, name=name)
    stop = threading.Event()

    def write(writer: int) -> tuple[list[tuple[str, list[str]]], list[tuple[str, list[str]]], float]:
        draw = random.Random(SEED + writer)
        done, refused = [], []
        begun = time.monotonic()
        for number in range(TRANSACTIONS):
            mark, chosen = f"x{writer}.{number}", draw.sample(names, draw.randint(2, 4))
            update = {"action": "set-properties", "updates": {mark: ",".join(sorted(chosen))}}
            changes = [
                {"identifier": {"namespace": [space], "name": name}, "requirements": [], "updates": [update]}
                for name in chosen
            ]
            while True:
                answer = wire.post("/v1/demo/transactions/commit", {"table-changes": changes}, timeout=120)
                if answer.status == 204:
                    done.append((mark, chosen))
                    break
                assert answer.error[:2] == (409, "CommitFailedException"), answer
                refused.append((mark, chosen))
                time.sleep(draw.uniform(0, 0.1))
        return done, refused, time.monotonic() - begun

    def watch(_: int) -> int:
        """Reads the tables one after the other: what the first one has, every later one of its transaction has, too."""
        rounds = 0
        while not stop.is_set():
            found: dict[str, str] = {}
            for name in names:
                properties = wire.get(wire.tables(space, name=name)).json["metadata"]["properties"]
                marks = {mark: tables for mark, tables in properties.items() if mark.startswith("x")}
                missing = [mark for mark, tables in found.items() if name in tables.split(",") and mark not in marks]
                assert missing == [], f"{name} has a half of {missing}"
                found |= marks
            rounds += 1
        return rounds

    with ThreadPoolExecutor(max_workers=2) as watchers:
        watching = [watchers.submit(watch, number) for number in range(2)]
        try:
            outcomes = together(WRITERS, write)
        finally:
            stop.set()
        rounds = sum(future.result() for future in watching)
    slowest = max(seconds for _, _, seconds in outcomes)
    refusals = [len(refused) for _, refused, _ in outcomes]
    print(
        f"slowest of {WRITERS} writers of {TRANSACTIONS} transactions each: {slowest:.2f} s;"
        f" refused {sum(refusals)}, at most {max(refusals)} of one writer; {rounds} rounds of reads"
    )
    assert rounds > 0
    for name in names:
        properties = wire.get(wire.tables(space, name=name)).json["metadata"]["properties"]
        expected = {mark for done, _, _ in outcomes for mark, chosen in done if name in chosen}
        assert {mark for mark in properties if mark.startswith("x")} == expected


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


def view(name: str, sql: str) -> dict[str, Any]:
    """A request that creates a view of one query."""
    return {
        "name": name,
        "schema": SCHEMA,
        "properties": {},
        "view-version": {
            "version-id": 1,
            "timestamp-ms": 1,
            "schema-id": 0,
            "summary": {},
            "default-namespace": [],
            "representations": [{"type": "sql", "sql": sql, "dialect": "spark"}],
        },
    }


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
