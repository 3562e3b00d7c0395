# Two writers of one table: whoever loses tries again on top of the winner, or is refused if that would be wrong
# (Iceberg REST specification, updateTable: 409; Iceberg table specification, "Optimistic concurrency").

from concurrent.futures import ThreadPoolExecutor

import pytest

from gate import HELD_SECONDS_MAX, gated
from lake import REFUSED, Lake


def race(lake: Lake, loser: str, winner: str) -> tuple[list[int], Exception | None]:
    """
    Runs both statements so that the winner's commit lands while the loser's is on its way. How the catalog answered the
    loser's commits, and what became of it.
    """
    with gated(lake.server.uri, lake.wire.tables(lake.space, name="t")) as gate, ThreadPoolExecutor() as pool:
        lake.attach("gated", uri=gate.uri, token=lake.server.token)
        losing = pool.submit(lake.sql, loser.replace("TABLE_T", f"gated.{lake.space}.t"))
        assert gate.held.wait(HELD_SECONDS_MAX), losing.exception(timeout=1)
        lake.sql(winner)
        gate.opened.set()
        return gate.statuses, losing.exception(timeout=HELD_SECONDS_MAX)


def test_both_inserts_are_there(lake: Lake) -> None:
    lake.sql("CREATE TABLE t AS SELECT 1 AS id")
    statuses, failure = race(lake, "INSERT INTO TABLE_T VALUES (2)", "INSERT INTO t VALUES (3)")
    assert (statuses, failure) == ([409, 200], None)
    lake.sql("REFRESH TABLE t")
    assert lake.column("SELECT id FROM t ORDER BY id") == [1, 2, 3]
    first, second, third = lake.metadata("t")["snapshots"]
    assert [second["parent-snapshot-id"], third["parent-snapshot-id"]] == [first["snapshot-id"], second["snapshot-id"]]
    assert [each["sequence-number"] for each in (first, second, third)] == [1, 2, 3]


def test_an_update_of_rows_that_are_gone_is_refused(lake: Lake) -> None:
    lake.sql("CREATE TABLE t AS SELECT /*+ COALESCE(1) */ id FROM range(3)")
    statuses, failure = race(lake, "UPDATE TABLE_T SET id = 10 WHERE id = 0", "DELETE FROM t WHERE id = 1")
    assert statuses == [409]
    assert isinstance(failure, REFUSED)
    assert "ValidationException" in str(failure)
    lake.sql("REFRESH TABLE t")
    assert lake.column("SELECT id FROM t ORDER BY id") == [0, 2]
    assert len(lake.metadata("t")["snapshots"]) == 2


def test_many_writers(lake: Lake) -> None:
    """Every writer has its own client; none loses a row."""
    writers = 4
    lake.sql("CREATE TABLE t (id INT) TBLPROPERTIES ('commit.retry.num-retries' = '20')")
    for number in range(writers):
        lake.attach(f"writer{number}", token=lake.server.token)
    with ThreadPoolExecutor(writers) as pool:
        inserts = [f"INSERT INTO writer{number}.{lake.space}.t VALUES ({number})" for number in range(writers)]
        assert [each.result() for each in [pool.submit(lake.sql, insert) for insert in inserts]] == [[]] * writers
    lake.sql("REFRESH TABLE t")
    assert lake.column("SELECT id FROM t ORDER BY id") == list(range(writers))
    assert len(lake.metadata("t")["snapshots"]) == writers


def test_of_two_creates_one_is_refused(lake: Lake) -> None:
    lake.attach("other", token=lake.server.token)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(lake.sql, f"CREATE TABLE {each}.{lake.space}.t AS SELECT 1 AS id") for each in ("lake", "other")]
        failures = [each.exception() for each in both]
    (failure,) = [each for each in failures if each is not None]
    assert isinstance(failure, REFUSED)
    with pytest.raises(REFUSED, match="ALREADY_EXISTS"):
        lake.sql("CREATE TABLE t (id INT)")
    assert lake.column("SELECT id FROM t") == [1]
