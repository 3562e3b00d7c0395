# Contract: transactions, entity tags and views over real HTTP, D1 and R2.
# Source: the REST specification, commitTransaction, loadTable (If-None-Match) and the view operations.

from concurrent.futures import ThreadPoolExecutor

from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField
from pyiceberg.view.metadata import SQLViewRepresentation, ViewVersion

from wire import SCHEMA, Wire


def property_commit(space: str, name: str, key: str) -> dict[str, object]:
    return {
        "identifier": {"namespace": [space], "name": name},
        "requirements": [],
        "updates": [{"action": "set-properties", "updates": {key: "x"}}],
    }


def properties(wire: Wire, space: str, name: str) -> dict[str, str]:
    return wire.get(wire.tables(space, name=name)).json["metadata"]["properties"]


def test_a_transaction_moves_all_tables_or_none(wire: Wire, space: str) -> None:
    for name in ("a", "b"):
        assert wire.post(wire.tables(space), {"name": name, "schema": SCHEMA}).status == 200
    path = "/v1/demo/transactions/commit"
    both = [property_commit(space, name, "k") for name in ("a", "b")]
    assert wire.post(path, {"table-changes": both}).status == 204
    assert all(properties(wire, space, name)["k"] == "x" for name in ("a", "b"))
    stale = {**property_commit(space, "b", "l"), "requirements": [{"type": "assert-current-schema-id", "current-schema-id": 9}]}
    answer = wire.post(path, {"table-changes": [property_commit(space, "a", "l"), stale]})
    assert answer.error[:2] == (409, "CommitFailedException")
    assert not any("l" in properties(wire, space, name) for name in ("a", "b"))
    assert wire.post(path, {"table-changes": [both[0], both[0]]}).status == 400


def test_racing_transactions_are_done_or_refused(wire: Wire, space: str) -> None:
    names = ["a", "b", "c", "d"]
    for name in names:
        assert wire.post(wire.tables(space), {"name": name, "schema": SCHEMA}).status == 200

    def commit(number: int) -> tuple[int, int]:
        chosen = [names[number % 4], names[(number + 1) % 4]]
        body = {"table-changes": [property_commit(space, name, f"k{number}") for name in chosen]}
        return number, Wire(wire.uri, wire.token).post("/v1/demo/transactions/commit", body).status

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(commit, range(24)))
    assert {status for _, status in answers} <= {204, 409}
    found = {name: properties(wire, space, name) for name in names}
    for number, status in answers:
        holders = {name for name in names if f"k{number}" in found[name]}
        assert holders == ({names[number % 4], names[(number + 1) % 4]} if status == 204 else set())


def test_an_entity_tag_spares_the_table_until_it_changes(wire: Wire, space: str) -> None:
    path = wire.tables(space, name="t")
    created = wire.post(wire.tables(space), {"name": "t", "schema": SCHEMA})
    tag = created.headers["etag"]
    assert wire.get(path).headers["etag"] == tag
    answer = wire.get(path, headers={"If-None-Match": tag})
    assert (answer.status, answer.body) == (304, b"")
    assert wire.get(f"{path}?snapshots=refs", headers={"If-None-Match": tag}).status == 200
    commit = property_commit(space, "t", "k")
    changed = wire.post(path, {"requirements": [], "updates": commit["updates"]})
    assert changed.headers["etag"] != tag
    assert wire.get(path, headers={"If-None-Match": tag}).status == 200
    # A commit brings no credential, so the client gets one.
    assert wire.get(path, headers={"If-None-Match": changed.headers["etag"]}).status == 200
    assert wire.get(path, headers={"If-None-Match": wire.get(path).headers["etag"]}).status == 304


def test_pyiceberg_keeps_views(wire: Wire, space: str) -> None:
    catalog = RestCatalog("demo", uri=wire.uri, warehouse="demo", token=wire.token)
    version = ViewVersion(
        version_id=1,
        schema_id=0,
        timestamp_ms=1_700_000_000_000,
        summary={"engine-name": "test"},
        representations=[SQLViewRepresentation(type="sql", sql="select 1 as id", dialect="spark")],
        default_namespace=[space],
    )
    schema = Schema(NestedField(1, "id", LongType(), required=False))
    catalog.create_view((space, "v"), schema, version)
    assert catalog.list_views(space) == [(space, "v")]
    assert catalog.view_exists((space, "v"))
    loaded = catalog.load_view((space, "v"))
    assert loaded.metadata.versions[0].representations[0].root.sql == "select 1 as id"
    assert wire.get(wire.tables(space, name="v")).error[:2] == (404, "NoSuchTableException")
    catalog.drop_view((space, "v"))
    assert not catalog.view_exists((space, "v"))
