# `kill -9` of every process of the server at random moments under four writers: what was acknowledged is there after
# the next start, once; what was not is there once or not at all; and no table names a file that is missing.

import os
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import NoSuchTableError

from readable import missing_files
from server import Server
from wire import Wire, engine, fresh

ROUNDS = int(os.environ.get("KILL9_ROUNDS", "5"))
SEED = int(os.environ.get("SEED", str(random.randrange(2**32))))
ROW = pa.schema([("writer", pa.int32()), ("number", pa.int32())])


@dataclass
class Done:
    """What the writers were told. A name or row that is in neither list of its kind was never asked for."""

    rows: list[tuple[int, int]] = field(default_factory=list)
    rows_unknown: list[tuple[int, int]] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)
    """Tables that must be there, by how many rows were acknowledged."""
    tables_gone: list[str] = field(default_factory=list)


def test_kill9_under_four_writers(own_server: Server) -> None:
    server = own_server
    print(f"SEED={SEED} KILL9_ROUNDS={ROUNDS}")
    moments = random.Random(SEED)
    space = fresh("kill9")
    catalog = engine(server)
    catalog.create_namespace(space)
    catalog.create_table((space, "rows"), ROW)
    catalog.create_table((space, "properties"), ROW)
    done = Done()
    for number in range(ROUNDS):
        writers = start_writers(server, space, number, done)
        time.sleep(moments.uniform(0.3, 4))
        server.kill9()
        writers.stop.set()
        server.restart()
        writers.join()
        check(server, space, done)
    print(
        f"rows {len(done.rows)}, properties {len(done.properties)}, tables {len(done.tables)}+{len(done.tables_gone)}"
    )
    assert len(done.rows) + len(done.properties) + len(done.tables) > ROUNDS, "the writers did hardly anything"


@dataclass
class Writers:
    threads: list[threading.Thread]
    stop: threading.Event
    failures: list[BaseException]

    def join(self) -> None:
        for thread in self.threads:
            thread.join(timeout=120)
            assert not thread.is_alive(), "a writer hangs"
        assert self.failures == []


def start_writers(server: Server, space: str, attempt: int, done: Done) -> Writers:
    """Two that append to one table, one that commits properties, and one that makes, renames and drops tables."""
    stop = threading.Event()
    failures: list[BaseException] = []
    catalogs = [engine(server) for _ in range(3)]

    def until_stopped(act: Any) -> None:
        number = attempt * 100_000
        try:
            while not stop.is_set():
                act(number)
                number += 1
        except BaseException as failure:
            failures.append(failure)

    acts = [
        lambda number: append(catalogs[0], space, (0, number), done),
        lambda number: append(catalogs[1], space, (1, number), done),
        lambda number: set_property(server, space, f"p{number}", done),
        lambda number: make_tables(catalogs[2], space, f"t{number}", done),
    ]
    threads = [threading.Thread(target=until_stopped, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    return Writers(threads, stop, failures)


def append(catalog: RestCatalog, space: str, row: tuple[int, int], done: Done) -> None:
    """PyIceberg deletes the files of an append only if it was told that the commit did not happen."""
    try:
        table = catalog.load_table((space, "rows"))
        table.append(pa.table({"writer": [row[0]], "number": [row[1]]}, schema=ROW))
    except Exception:
        done.rows_unknown.append(row)
    else:
        done.rows.append(row)


def set_property(server: Server, space: str, name: str, done: Done) -> None:
    wire = Wire(server.uri, server.token)
    try:
        answer = wire.set_properties(space, name="properties", **{name: "x"})
    except Exception:
        return
    if answer.status == 200:
        done.properties.append(name)


def make_tables(catalog: RestCatalog, space: str, name: str, done: Done) -> None:
    """Creates a table, appends a row, renames it, and drops every third one."""
    row = pa.table({"writer": [0], "number": [0]}, schema=ROW)
    renamed = f"{name}_renamed"
    try:
        table = catalog.create_table((space, name), ROW)
        done.tables[name] = 0
        table.append(row)
        del done.tables[name]
        catalog.rename_table((space, name), (space, renamed))
        done.tables_gone.append(name)
        done.tables[renamed] = 1
        if int(name[1:]) % 3 == 0:
            del done.tables[renamed]
            catalog.drop_table((space, renamed))
            done.tables_gone.append(renamed)
    except Exception:
        # Whatever `done` holds was acknowledged before; of the rest nothing is claimed.
        return


def check(server: Server, space: str, done: Done) -> None:
    catalog = engine(server)
    table = catalog.load_table((space, "rows"))
    found = [(row["writer"], row["number"]) for row in table.scan().to_arrow().to_pylist()]
    assert len(found) == len(set(found)), "a row is there twice"
    assert set(done.rows) <= set(found), "an acknowledged row is lost"
    assert set(found) <= set(done.rows) | set(done.rows_unknown)
    properties = catalog.load_table((space, "properties")).properties
    assert set(done.properties) <= set(properties), "an acknowledged property is lost"

    listed = catalog.list_tables(space)
    assert {(space, name) for name in done.tables} <= set(listed), "an acknowledged table is lost"
    assert not {(space, name) for name in done.tables_gone} & set(listed), "a dropped table is back"
    for identifier in listed:
        each = catalog.load_table(identifier)
        assert missing_files(each) == [], identifier
        if identifier[1] in done.tables:
            assert each.scan().to_arrow().num_rows >= done.tables[identifier[1]]
    for name in done.tables_gone[:3]:
        try:
            catalog.load_table((space, name))
        except NoSuchTableError:
            continue
        raise AssertionError(f"{name} is back")
