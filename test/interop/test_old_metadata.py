# Contract: a table that asks for it keeps only the metadata files that something still names, as S3's listing shows it;
# metrics reports are kept for the administrator (Iceberg table properties; REST specification, reportMetrics).

import time
from typing import Any

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.table import Table

import bucket
from people import stopped
from sample import SCHEMA, ids, rows
from server import Server
from wire import Wire, engine

SHORT = {"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "2"}
AFTER_ANSWER_SECONDS_MAX = 10


@pytest.fixture
def catalog_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyIceberg deletes old files with its own credential, asking nobody. Here it does not: what goes, the catalog deletes."""
    monkeypatch.setattr(Catalog, "_delete_old_metadata", lambda *_: None)


@pytest.mark.usefixtures("catalog_alone")
def test_only_the_last_files_stay(catalog: RestCatalog, space: str, wire: Wire) -> None:
    table = catalog.create_table((space, "t"), SCHEMA, properties=SHORT)
    files = [table.metadata_location]
    for number in range(10):
        table.append(rows(number))
        files.append(table.metadata_location)
    assert len(set(files)) == 11
    settled(wire, space, files[-3:])
    assert ids(catalog.load_table((space, "t"))) == list(range(10))
    logged = [entry.metadata_file for entry in catalog.load_table((space, "t")).metadata.metadata_log]
    assert logged == files[-3:-1]


def test_beside_an_engine_that_deletes_them_too(catalog: RestCatalog, space: str, wire: Wire) -> None:
    table = catalog.create_table((space, "t"), SCHEMA, properties=SHORT)
    files = [table.metadata_location]
    for number in range(5):
        files.append(touched(table, number))
    settled(wire, space, files[-3:])


def test_all_files_stay_without_the_property(catalog: RestCatalog, space: str, wire: Wire) -> None:
    table = catalog.create_table(
        (space, "t"), SCHEMA, properties={"write.metadata.previous-versions-max": "2"}
    )
    files = [table.metadata_location]
    for number in range(4):
        files.append(touched(table, number))
    time.sleep(1)
    settled(wire, space, files)


@pytest.mark.usefixtures("catalog_alone")
def test_what_a_tag_or_a_branch_rests_on_stays(own_server: Server) -> None:
    Wire(own_server.uri, own_server.token).make_namespace("space")
    table = engine(own_server).create_table(("space", "t"), SCHEMA, properties=SHORT)
    files = [table.metadata_location]
    for number in range(4):
        table.append(rows(number))
        files.append(table.metadata_location)
    settled(Wire(own_server.uri, own_server.token), "space", files[-3:])
    with stopped(own_server) as database:
        for kind in ["tag", "branch"]:
            database.past(f"my{kind}", kind)
    table = engine(own_server).load_table(("space", "t"))
    for number in range(4, 10):
        table.append(rows(number))
        files.append(table.metadata_location)
    # The log of what tag and branch show names the two files before it.
    settled(Wire(own_server.uri, own_server.token), "space", files[2:5] + files[-3:])
    wire = Wire(own_server.uri, own_server.token)
    for name in ["mytag", "mybranch"]:
        past = RestCatalog("past", uri=own_server.uri, warehouse=f"demo@{name}", token=own_server.token)
        assert ids(past.load_table(("space", "t"))) == [0, 1, 2, 3]
        loaded = wire.get(f"/v1/demo%40{name}/namespaces/space/tables/t")
        assert (loaded.status, loaded.json["metadata-location"]) == (200, files[4])
    assert ids(engine(own_server).load_table(("space", "t"))) == list(range(10))


def test_reports_are_kept_as_they_came(space: str, wire: Wire) -> None:
    wire.make_table(space, name="t")
    path = f"{wire.tables(space, name='t')}/metrics"
    scan = b'{"report-type": "scan-report", "snapshot-id": 9223372036854775807, "metrics": {"ratio": 1.0}}'
    commit = b'{"report-type":"commit-report","snapshot-id":7612345678901234567,"operation":"append"}'
    for report in [scan, commit]:
        assert wire.post(path, report).status == 204
    kept = wire.get(f"/api/v1/catalogs/demo/namespaces/{space}/tables/t/metrics")
    assert kept.status == 200
    assert 0 < kept.body.index(commit) < kept.body.index(scan)
    assert [item["report"]["report-type"] for item in kept.json["reports"]] == ["commit-report", "scan-report"]


def touched(table: Table, number: int) -> str:
    with table.transaction() as transaction:
        transaction.set_properties(touched=str(number))
    return table.metadata_location


def settled(wire: Wire, space: str, expected: list[str]) -> None:
    """Waits until the metadata files of `t` are those: old ones go after the answer."""
    loaded: dict[str, Any] = wire.get(
        wire.tables(space, name="t"), headers={"X-Iceberg-Access-Delegation": "vended-credentials"}
    ).json
    s3 = bucket.client(loaded["config"])
    folder = f"{bucket.key(loaded['metadata']['location'])}/metadata/"
    wanted = sorted(bucket.key(uri) for uri in expected)
    end = time.monotonic() + AFTER_ANSWER_SECONDS_MAX
    while (found := sorted(key for key in bucket.keys(s3, folder) if key.endswith(".metadata.json"))) != wanted:
        assert time.monotonic() < end, (found, wanted)
        time.sleep(0.1)
