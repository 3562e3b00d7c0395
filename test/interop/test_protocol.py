# Exact wire behaviour of the catalog: statuses, error types and messages, encodings, pages, headers
# (Iceberg REST specification; messages as the reference implementation's own tests assert them).

import re
from typing import Any
from urllib.parse import quote

import pytest
from server import Server
from wire import SCHEMA, Answer, Wire, fresh

JAVA = {"X-Client-Version": "Apache Iceberg 1.11.0 (commit 0)"}
PYICEBERG = {"X-Client-Version": "PyIceberg 0.12.0"}
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
BAD = (400, "BadRequestException")


@pytest.fixture(scope="module")
def wire(server: Server) -> Wire:
    return Wire(server.uri, server.token)


@pytest.fixture
def space(wire: Wire) -> str:
    name = fresh("wire")
    wire.make_namespace(name)
    return name


def bodiless(answer: Answer, status: int) -> bool:
    return (answer.status, answer.body) == (status, b"")


# Configuration, health, headers


def test_config(wire: Wire) -> None:
    answer = wire.get("/v1/config?warehouse=demo")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"defaults", "overrides", "endpoints"}
    assert answer.json["defaults"] == {}
    assert answer.json["overrides"] == {"prefix": "demo"}
    assert sorted(answer.json["endpoints"]) == sorted(
        """GET /v1/{prefix}/namespaces
POST /v1/{prefix}/namespaces
GET /v1/{prefix}/namespaces/{namespace}
HEAD /v1/{prefix}/namespaces/{namespace}
DELETE /v1/{prefix}/namespaces/{namespace}
POST /v1/{prefix}/namespaces/{namespace}/properties
GET /v1/{prefix}/namespaces/{namespace}/tables
POST /v1/{prefix}/namespaces/{namespace}/tables
GET /v1/{prefix}/namespaces/{namespace}/tables/{table}
HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}
POST /v1/{prefix}/namespaces/{namespace}/tables/{table}
DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}
POST /v1/{prefix}/tables/rename
POST /v1/{prefix}/namespaces/{namespace}/register
POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics
GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials""".splitlines()
    )


def test_every_advertised_endpoint_is_served(wire: Wire, space: str) -> None:
    """And answers 401 to who does not say who he is."""
    endpoints = wire.get("/v1/config?warehouse=demo").json["endpoints"]
    stranger = Wire(wire.uri, None)
    for endpoint in endpoints:
        method, template = endpoint.split(" ")
        path = template.format(prefix="demo", namespace=space, table="absent")
        assert stranger.send(method, path).status == 401, endpoint
        answer = wire.send(method, path, body={} if method == "POST" else None)
        assert answer.status < 500, endpoint
        if answer.body and answer.status >= 400:
            assert answer.error[1] not in ("NoSuchRouteException", "MethodNotAllowedException"), endpoint


def test_config_of_a_branch_and_of_nothing(wire: Wire) -> None:
    prefix = wire.get("/v1/config?warehouse=demo@main").json["overrides"]["prefix"]
    assert prefix == "demo%40main"
    assert wire.get(f"/v1/{prefix}/namespaces").status == 200
    for name in ["absent", "demo@absent", "Demo", "demo/x", "", "@", "demo@", "🦎"]:
        answer = wire.get(f"/v1/config?warehouse={quote(name, safe='')}")
        assert answer.error[:2] == (BAD if name == "" else (404, "NoSuchWarehouseException")), name
    assert wire.get("/v1/config").error[:2] == BAD
    assert wire.get("/v1/absent/namespaces").error == (404, "NoSuchWarehouseException", "Warehouse does not exist: absent")


def test_health_needs_no_token(server: Server) -> None:
    nobody = Wire(server.uri, None)
    assert nobody.get("/health/live").json == {"status": "ok"}
    assert nobody.get("/health/ready").json == {"status": "ready"}


def test_unknown_routes_and_methods(wire: Wire, space: str) -> None:
    for path in ["/v1", "/v1/demo", "/v1/demo/namespaces/a/views", "/v1/demo/nothing", f"{wire.tables(space, name='t')}/x", "/x"]:
        assert wire.get(path).error[:2] == (404, "NoSuchRouteException"), path
    assert wire.send("PUT", wire.namespaces()).error[:2] == (405, "MethodNotAllowedException")
    assert wire.send("PATCH", wire.tables(space, name="t")).error[:2] == (405, "MethodNotAllowedException")


def test_request_id(wire: Wire) -> None:
    for path in ["/v1/config?warehouse=demo", "/v1/config?warehouse=absent", "/health/live", "/absent"]:
        assert wire.get(path, headers={"x-request-id": "my-id_1.x"}).headers["x-request-id"] == "my-id_1.x"
        assert re.fullmatch(UUID, wire.get(path).headers["x-request-id"])
        for strange in ["a b", "x" * 65, "<script>", "a,b"]:
            answer = wire.get(path, headers={"x-request-id": strange})
            assert re.fullmatch(UUID, answer.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/v1/config?warehouse=demo", "/v1/demo/namespaces", "/s3/lake/x"])
def test_browsers_may_ask(wire: Wire, path: str) -> None:
    asked = "authorization,content-type,x-iceberg-access-delegation,x-client-version,x-request-id"
    nobody = Wire(wire.uri, None)
    preflight = nobody.send(
        "OPTIONS",
        path,
        headers={
            "Origin": "https://engine.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": asked,
        },
    )
    assert preflight.status in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == "*"
    allowed = {name.strip().lower() for name in preflight.headers["access-control-allow-headers"].split(",")}
    assert set(asked.split(",")) <= allowed
    assert {"GET", "HEAD", "POST", "DELETE", "PUT"} <= set(re.split(", ?", preflight.headers["access-control-allow-methods"]))
    for client in [wire, nobody]:
        answer = client.get(path, headers={"Origin": "https://engine.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"].lower()
        assert "x-request-id" in exposed and "etag" in exposed


def test_what_is_not_known_is_ignored(wire: Wire, space: str) -> None:
    headers = {"Content-Type": "application/json", "X-Whatever": "1", "Idempotency-Key": "0190a2f0-0000-7000-8000-000000000000"}
    assert wire.get(f"{wire.namespaces()}?whatever=1&parent=", headers=headers).status == 200
    created = wire.post(wire.tables(space), {"name": "t", "schema": SCHEMA, "whatever": {"a": [1]}}, headers=headers)
    assert created.status == 200
    path = wire.tables(space, name="t")
    assert wire.get(f"{path}?referenced-by=a%1Fb&planId=1", headers=headers).status == 200
    assert wire.delete(path, headers=headers).status == 204


# Namespaces


def test_namespace_answers(wire: Wire) -> None:
    name = fresh("answers")
    created = wire.post(wire.namespaces(), {"namespace": [name], "properties": {"a": "1"}})
    assert (created.status, created.json) == (200, {"namespace": [name], "properties": {"a": "1"}})
    bare = wire.post(wire.namespaces(), {"namespace": [name, "b"]})
    assert (bare.status, bare.json) == (200, {"namespace": [name, "b"], "properties": {}})
    taken = wire.post(wire.namespaces(), {"namespace": [name, "b"]})
    assert taken.error == (409, "AlreadyExistsException", f"Namespace already exists: {name}.b")
    orphan = wire.post(wire.namespaces(), {"namespace": [name, "absent", "c"]})
    assert orphan.error == (404, "NoSuchNamespaceException", f"Namespace does not exist: {name}.absent")

    loaded = wire.get(wire.namespaces(name, "b"))
    assert (loaded.status, loaded.json) == (200, {"namespace": [name, "b"], "properties": {}})
    assert wire.get(wire.namespaces("absent", "x")).error == (
        404, "NoSuchNamespaceException", "Namespace does not exist: absent.x"
    )
    assert bodiless(wire.head(wire.namespaces(name, "b")), 204)
    assert bodiless(wire.head(wire.namespaces(name, "c")), 404)

    below = wire.get(f"{wire.namespaces()}?parent={name}")
    assert below.json == {"namespaces": [[name, "b"]], "next-page-token": None}
    assert wire.get(f"{wire.namespaces()}?parent={name}%1Fb").json["namespaces"] == []
    assert wire.get(f"{wire.namespaces()}?parent=absent").error == (
        404, "NoSuchNamespaceException", "Namespace does not exist: absent"
    )
    top = wire.get(wire.namespaces()).json["namespaces"]
    assert [name] in top
    assert wire.get(f"{wire.namespaces()}?parent=").json["namespaces"] == top

    full = wire.delete(wire.namespaces(name))
    assert full.error == (409, "NamespaceNotEmptyException", f"Namespace {name} is not empty")
    assert bodiless(wire.delete(wire.namespaces(name, "b")), 204)
    wire.make_table(name, name="t")
    assert wire.delete(wire.namespaces(name)).error[1] == "NamespaceNotEmptyException"
    assert bodiless(wire.delete(wire.tables(name, name="t")), 204)
    assert bodiless(wire.delete(wire.namespaces(name)), 204)
    assert wire.delete(wire.namespaces(name)).error[:2] == (404, "NoSuchNamespaceException")


def test_namespace_properties(wire: Wire, space: str) -> None:
    path = f"{wire.namespaces(space)}/properties"
    assert wire.post(path, {"updates": {"a": "1", "b": "2"}}).json == {"updated": ["a", "b"], "removed": [], "missing": []}
    answer = wire.post(path, {"updates": {"b": "3"}, "removals": ["a", "c"]})
    assert answer.json == {"updated": ["b"], "removed": ["a"], "missing": ["c"]}
    both = wire.post(path, {"updates": {"b": "4"}, "removals": ["b"]})
    assert both.error[:2] == (422, "UnprocessableEntityException")
    assert both.error[2].startswith("Invalid namespace update, cannot simultaneously set and remove keys")
    assert wire.get(wire.namespaces(space)).json["properties"] == {"b": "3"}
    absent = wire.post(f"{wire.namespaces('absent')}/properties", {"removals": ["a"]})
    assert absent.error == (404, "NoSuchNamespaceException", "Namespace does not exist: absent")


# Encodings


def test_plus_in_a_path(wire: Wire, space: str) -> None:
    """A plus for everybody but Java's clients, which form-encode paths; `%2B` is a plus for all."""
    for name in ["a+b", "a b"]:
        wire.make_namespace(space, name)
    below = f"{wire.namespaces()}/{space}%1F"
    for segment, headers, expected in [
        ("a+b", {}, "a+b"),
        ("a+b", PYICEBERG, "a+b"),
        ("a+b", JAVA, "a b"),
        ("a%20b", JAVA, "a b"),
        ("a%2Bb", JAVA, "a+b"),
        ("a%2bb", {}, "a+b"),
    ]:
        answer = wire.get(f"{below}{segment}", headers=headers)
        assert answer.json["namespace"] == [space, expected], (segment, headers)


def test_levels_are_split_before_they_are_decoded(wire: Wire, space: str) -> None:
    for name in ["a/b", "a.b", "%1F", "%2F", "a%1Fb"]:
        wire.make_namespace(space, name)
        assert wire.get(wire.namespaces(space, name)).json["namespace"] == [space, name]
    assert wire.get(f"{wire.namespaces()}/{space}%1fa%2Fb").json["namespace"] == [space, "a/b"]
    assert wire.get(f"{wire.namespaces()}/{space}%1Fa%2Eb").json["namespace"] == [space, "a.b"]


def test_parent_of_each_client(wire: Wire, space: str) -> None:
    """PyIceberg encodes each level and then the whole once more."""
    name = "a b/c%20+ü"
    wire.make_namespace(space, name)
    wire.make_namespace(space, name, "leaf")
    once = quote(f"{space}\u001f{name}", safe="")
    twice = quote(f"{space}\u001f{quote(name, safe='')}", safe="")
    for parent, headers in [(once, {}), (once, JAVA), (twice, PYICEBERG)]:
        answer = wire.get(f"{wire.namespaces()}?parent={parent}", headers=headers)
        assert answer.json["namespaces"] == [[space, name, "leaf"]], headers


@pytest.mark.parametrize(
    "segment",
    ["a%1F", "%1Fa", "a%1F%1Fb", "%00", "a%0a", "%7f", "%c0%ae", "%ff", "%ed%a0%80", "%", "%zz", "a@b"]
    + ["x" * 256, "%F3%A0%81%81"],
)
def test_paths_that_name_nothing(wire: Wire, space: str, segment: str) -> None:
    """No name is made of it by dropping or decoding something once more."""
    before = wire.get(wire.namespaces()).body
    for path, method in [
        (f"{wire.namespaces()}/{segment}", "GET"),
        (f"{wire.namespaces()}/{segment}", "DELETE"),
        (f"{wire.namespaces()}/{segment}/tables", "GET"),
        (f"{wire.tables(space)}/{segment}", "GET"),
        (f"{wire.tables(space)}/{segment}", "DELETE"),
    ]:
        assert wire.send(method, path).error[:2] == BAD, (method, path)
    assert wire.get(wire.namespaces()).body == before


@pytest.mark.parametrize("segment", [".", "..", "%2e", "%2E", "%2e%2e", "%2E.", ".%2e"])
def test_dot_segments(wire: Wire, space: str, segment: str) -> None:
    """The proxy of `wrangler dev` resolves them before the Worker sees them; they then name another route, or nothing."""
    wire.make_table(space, name="t")
    for path in [
        f"{wire.namespaces()}/{segment}",
        f"{wire.namespaces(space)}/{segment}",
        f"{wire.tables(space)}/{segment}",
        f"{wire.tables(space, name='t')}/{segment}",
        f"{wire.tables(space, name='absent')}/{segment}/{segment}/absent",
        f"{wire.namespaces()}/{segment}/tables",
    ]:
        assert wire.delete(path).status in (400, 404, 405), path
    assert bodiless(wire.head(wire.tables(space, name="t")), 204)


# Pages


def test_everything_without_a_token_and_pages_with_one(wire: Wire, space: str) -> None:
    names = [f"t{number:02}" for number in range(12)]
    for name in names:
        wire.make_table(space, name=name)
        wire.make_namespace(space, name)
    listings = {
        "identifiers": (wire.tables(space), "?", lambda item: item["name"]),
        "namespaces": (f"{wire.namespaces()}?parent={space}", "&", lambda item: item[-1]),
    }
    for member, (path, more, name_of) in listings.items():
        for query in ["", f"{more}pageSize=2"]:
            whole = wire.get(path + query).json
            assert [name_of(item) for item in whole[member]] == names
            assert whole["next-page-token"] is None
        pages = []
        token: str | None = ""
        while token is not None:
            page = wire.get(f"{path}{more}pageToken={quote(token, safe='')}&pageSize=5").json
            pages.append([name_of(item) for item in page[member]])
            token = page["next-page-token"]
        assert [len(page) for page in pages] == [5, 5, 2]
        assert sum(pages, []) == names
        for bad in ["pageSize=0", "pageSize=-1", "pageSize=x", "pageSize=1.5"]:
            assert wire.get(f"{path}{more}pageToken=&{bad}").error[:2] == BAD, bad
        for bad in ["x", "e30", "WyJhIl0", "%00"]:
            assert wire.get(f"{path}{more}pageToken={bad}").error[:2] == BAD, bad
    foreign = wire.get(f"{wire.tables(space)}?pageToken=&pageSize=1").json["next-page-token"]
    assert wire.get(f"{wire.namespaces()}?parent={space}&pageToken={foreign}").error[:2] == BAD


def test_pages_are_stable_under_change(wire: Wire, space: str) -> None:
    for name in ["b", "d", "f", "h"]:
        wire.make_table(space, name=name)
    first = wire.get(f"{wire.tables(space)}?pageToken=&pageSize=2").json
    assert [item["name"] for item in first["identifiers"]] == ["b", "d"]
    for name in ["a", "e", "z"]:
        wire.make_table(space, name=name)
    for name in ["b", "d", "h"]:
        wire.delete(wire.tables(space, name=name))
    second = wire.get(f"{wire.tables(space)}?pageToken={first['next-page-token']}&pageSize=10").json
    assert [item["name"] for item in second["identifiers"]] == ["e", "f", "z"]


# Tables


def test_create(wire: Wire, space: str) -> None:
    schema = {
        "type": "struct",
        "schema-id": 7,
        "identifier-field-ids": [30],
        "fields": [
            {"id": 20, "name": "s", "required": False, "type": {
                "type": "struct", "fields": [{"id": 21, "name": "x", "required": False, "type": "int"}]}},
            {"id": 30, "name": "id", "required": True, "type": "long"},
        ],
    }
    answer = wire.post(
        wire.tables(space),
        {
            "name": "t",
            "schema": schema,
            "partition-spec": {"spec-id": 5, "fields": [{"source-id": 30, "field-id": 7, "name": "b", "transform": "bucket[4]"}]},
            "write-order": {"order-id": 9, "fields": [{"source-id": 30, "transform": "identity", "direction": "asc", "null-order": "nulls-first"}]},
            "properties": {"format-version": "2", "uuid": "x", "snapshot-count": "9", "current-schema": "y", "owner": "me"},
        },
    )
    assert answer.status == 200
    assert set(answer.json) == {"metadata-location", "metadata", "config", "storage-credentials"}
    metadata, location = answer.json["metadata"], answer.json["metadata-location"]
    assert re.fullmatch(f"s3://lake/{UUID}", metadata["location"])
    assert re.fullmatch(f"{metadata['location']}/metadata/00000-{UUID}.metadata.json", location)
    assert metadata["format-version"] == 2
    assert metadata["schemas"] == [
        {
            "type": "struct", "schema-id": 0, "identifier-field-ids": [2],
            "fields": [
                {"id": 1, "name": "s", "required": False, "type": {
                    "type": "struct", "fields": [{"id": 3, "name": "x", "required": False, "type": "int"}]}},
                {"id": 2, "name": "id", "required": True, "type": "long"},
            ],
        }
    ]
    assert metadata["last-column-id"] == 3
    assert metadata["partition-specs"] == [
        {"spec-id": 0, "fields": [{"source-id": 2, "field-id": 1000, "name": "b", "transform": "bucket[4]"}]}
    ]
    assert [order["order-id"] for order in metadata["sort-orders"]] == [1]
    assert (metadata["default-sort-order-id"], metadata["default-spec-id"], metadata["last-partition-id"]) == (1, 0, 1000)
    assert metadata["properties"]["owner"] == "me"
    assert not {"format-version", "uuid", "snapshot-count", "current-schema"} & set(metadata["properties"])

    again = wire.post(wire.tables(space), {"name": "t", "schema": SCHEMA})
    assert again.error == (409, "AlreadyExistsException", f"Table already exists: {space}.t")
    lost = wire.post(wire.tables("absent"), {"name": "t", "schema": SCHEMA})
    assert lost.error == (404, "NoSuchNamespaceException", "Namespace does not exist: absent")
    loaded = wire.get(wire.tables(space, name="t")).json
    assert (loaded["metadata"], loaded["metadata-location"]) == (metadata, location)


def test_staged_create(wire: Wire, space: str) -> None:
    staged = wire.post(wire.tables(space), {"name": "t", "schema": SCHEMA, "stage-create": True})
    assert staged.status == 200
    assert "metadata-location" not in staged.json
    assert staged.json["storage-credentials"]
    path = wire.tables(space, name="t")
    assert bodiless(wire.head(path), 404)
    metadata = staged.json["metadata"]
    commit = {
        "requirements": [{"type": "assert-create"}],
        "updates": [
            {"action": "assign-uuid", "uuid": metadata["table-uuid"]},
            {"action": "upgrade-format-version", "format-version": 2},
            {"action": "add-schema", "schema": metadata["schemas"][0]},
            {"action": "set-current-schema", "schema-id": -1},
            {"action": "add-spec", "spec": metadata["partition-specs"][0]},
            {"action": "set-default-spec", "spec-id": -1},
            {"action": "add-sort-order", "sort-order": metadata["sort-orders"][0]},
            {"action": "set-default-sort-order", "sort-order-id": -1},
            {"action": "set-location", "location": metadata["location"]},
            {"action": "set-properties", "updates": {"owner": "me"}},
        ],
    }
    done = wire.post(path, commit)
    assert done.status == 200
    assert set(done.json) == {"metadata-location", "metadata"}
    assert done.json["metadata"]["table-uuid"] == metadata["table-uuid"]
    assert done.json["metadata"]["location"] == metadata["location"]
    again = wire.post(path, commit)
    assert again.error == (409, "CommitFailedException", "Requirement failed: table already exists")
    assert wire.post(wire.tables("absent", name="t"), commit).error[:2] == (404, "NoSuchNamespaceException")
    late = wire.post(wire.tables(space), {"name": "t", "schema": SCHEMA, "stage-create": True})
    assert late.error[:2] == (409, "AlreadyExistsException")


def test_what_is_missing(wire: Wire, space: str) -> None:
    """A table in a namespace that is not there is a missing table: engines probe `ns.table.files` that way."""
    for levels in [(space,), (space, "t"), ("absent",)]:
        path = wire.tables(*levels, name="files")
        missing = (404, "NoSuchTableException", f"Table does not exist: {'.'.join(levels)}.files")
        commit = {"requirements": [], "updates": []}
        assert wire.get(path).error == missing
        assert wire.post(path, commit).error == missing
        assert wire.delete(path).error == missing
        assert wire.get(f"{path}/credentials").error == missing
        assert wire.post(f"{path}/metrics", {"report-type": "scan-report"}).error == missing
        assert bodiless(wire.head(path), 404)
    assert wire.get(wire.tables("absent")).error == (404, "NoSuchNamespaceException", "Namespace does not exist: absent")


def test_load_and_its_companions(wire: Wire, space: str) -> None:
    wire.make_table(space, name="t")
    path = wire.tables(space, name="t")
    for query in ["", "?snapshots=all", "?snapshots=refs", "?snapshots=ALL"]:
        assert wire.get(path + query).status == 200
    assert wire.get(f"{path}?snapshots=some").error[:2] == BAD
    assert bodiless(wire.head(path), 204)
    for report in ["scan-report", "commit-report"]:
        assert bodiless(wire.post(f"{path}/metrics", {"report-type": report, "table-name": "t", "metrics": {}}), 204)
    credentials = wire.get(f"{path}/credentials")
    assert (credentials.status, set(credentials.json)) == (200, {"storage-credentials"})


def test_commit(wire: Wire, space: str) -> None:
    made = wire.make_table(space, name="t", properties={"a": "1"})
    path = wire.tables(space, name="t")
    done = wire.set_properties(space, name="t", b="2")
    assert (done.status, set(done.json)) == (200, {"metadata-location", "metadata"})
    metadata = done.json["metadata"]
    assert re.fullmatch(f"{metadata['location']}/metadata/00001-{UUID}.metadata.json", done.json["metadata-location"])
    assert metadata["metadata-log"][-1]["metadata-file"] == made["metadata-location"]
    for updates in [
        [],
        [{"action": "set-properties", "updates": {"b": "2"}}],
        [{"action": "remove-properties", "removals": ["absent"]}],
        [{"action": "set-current-schema", "schema-id": 0}],
        [{"action": "set-location", "location": f"{metadata['location']}/"}],
        [{"action": "remove-snapshot-ref", "ref-name": "absent"}],
        [{"action": "upgrade-format-version", "format-version": 2}],
        [{"action": "assign-uuid", "uuid": metadata["table-uuid"]}],
    ]:
        same = wire.post(path, {"requirements": [], "updates": updates})
        assert (same.status, same.json) == (200, done.json), updates


def test_requirements(wire: Wire, space: str) -> None:
    made = wire.make_table(space, name="t")["metadata"]
    path = wire.tables(space, name="t")

    def commit(**requirement: Any) -> Answer:
        requirement = {name.replace("_", "-"): value for name, value in requirement.items()}
        update = {"action": "set-properties", "updates": {"touched": fresh("x")}}
        return wire.post(path, {"requirements": [requirement], "updates": [update]})

    holding: list[dict[str, Any]] = [
        {"type": "assert-table-uuid", "uuid": made["table-uuid"].upper()},
        {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot_id": None},
        {"type": "assert-ref-snapshot-id", "ref": "main"},
        {"type": "assert-last-assigned-field-id", "last_assigned_field_id": 1},
        {"type": "assert-current-schema-id", "current_schema_id": 0},
        {"type": "assert-last-assigned-partition-id", "last_assigned_partition_id": 999},
        {"type": "assert-default-spec-id", "default_spec_id": 0},
        {"type": "assert-default-sort-order-id", "default_sort_order_id": 0},
    ]
    for requirement in holding:
        assert commit(**requirement).status == 200, requirement
    before = wire.get(path).json["metadata-location"]
    failing: list[tuple[dict[str, Any], str]] = [
        ({"type": "assert-create"}, "Requirement failed: table already exists"),
        ({"type": "assert-table-uuid", "uuid": "0" * 8 + made["table-uuid"][8:]}, "Requirement failed: UUID does not match"),
        ({"type": "assert-ref-snapshot-id", "ref": "main", "snapshot_id": 2**62 + 1}, "Requirement failed: branch or tag main is missing"),
        ({"type": "assert-last-assigned-field-id", "last_assigned_field_id": 9}, "Requirement failed: last assigned field id changed"),
        ({"type": "assert-current-schema-id", "current_schema_id": 9}, "Requirement failed: current schema changed"),
        (
            {"type": "assert-last-assigned-partition-id", "last_assigned_partition_id": 9},
            "Requirement failed: last assigned partition id changed",
        ),
        ({"type": "assert-default-spec-id", "default_spec_id": 9}, "Requirement failed: default partition spec changed"),
        ({"type": "assert-default-sort-order-id", "default_sort_order_id": 9}, "Requirement failed: default sort order changed"),
    ]
    for requirement, message in failing:
        answer = commit(**requirement)
        assert answer.error[:2] == (409, "CommitFailedException"), requirement
        assert answer.error[2].startswith(message), answer.error
    assert commit(type="assert-whatever").error[:2] == BAD
    assert wire.get(path).json["metadata-location"] == before


def test_drop(wire: Wire, space: str) -> None:
    for query in ["", "?purgeRequested=false", "?purgeRequested=False", "?purgeRequested=true", "?purgeRequested=True"]:
        wire.make_table(space, name="t")
        assert bodiless(wire.delete(wire.tables(space, name="t") + query), 204), query
        assert bodiless(wire.head(wire.tables(space, name="t")), 404)
    wire.make_table(space, name="t")
    assert wire.delete(f"{wire.tables(space, name='t')}?purgeRequested=maybe").error[:2] == BAD
    assert bodiless(wire.head(wire.tables(space, name="t")), 204)


def test_rename(wire: Wire, space: str) -> None:
    for name in ["a", "b"]:
        wire.make_table(space, name=name)

    def rename(source: list[str], destination: list[str]) -> Answer:
        body = {
            "source": {"namespace": source[:-1], "name": source[-1]},
            "destination": {"namespace": destination[:-1], "name": destination[-1]},
        }
        return wire.post("/v1/demo/tables/rename", body)

    before = wire.get(wire.tables(space, name="a")).json
    taken = rename([space, "a"], [space, "b"])
    assert taken.error == (409, "AlreadyExistsException", f"Cannot rename {space}.a to {space}.b. Table already exists")
    assert rename([space, "x"], [space, "y"]).error == (404, "NoSuchTableException", f"Table does not exist: {space}.x")
    for source in ["a", "x"]:
        lost = rename([space, source], ["non_existing", "y"])
        assert lost.error == (404, "NoSuchNamespaceException", "Namespace does not exist: non_existing")
    assert bodiless(rename([space, "a"], [space, "a"]), 204)
    assert bodiless(rename([space, "a"], [space, "c"]), 204)
    after = wire.get(wire.tables(space, name="c")).json
    assert (after["metadata"], after["metadata-location"]) == (before["metadata"], before["metadata-location"])
    assert wire.get(wire.tables(space, name="a")).status == 404


def test_register(wire: Wire, space: str) -> None:
    made = wire.make_table(space, name="t")
    location = made["metadata-location"]
    path = f"{wire.namespaces(space)}/register"
    assert wire.post(path, {"name": "t", "metadata-location": location}).error == (
        409, "AlreadyExistsException", f"Table already exists: {space}.t"
    )
    shared = wire.post(path, {"name": "copy", "metadata-location": location})
    assert shared.error[:2] == BAD, "two tables would own the same files"
    wire.delete(wire.tables(space, name="t"))
    absent = f"{made['metadata']['location']}/metadata/absent.metadata.json"
    missing = wire.post(path, {"name": "back", "metadata-location": absent})
    assert missing.error[:2] == (404, "NotFoundException")
    assert f"Failed to open input stream for file: {absent}" in missing.error[2]
    for bad in ["s3://other/x.metadata.json", "s3://lake/../x", "file:///etc/passwd", "", 7, None]:
        assert wire.post(path, {"name": "back", "metadata-location": bad}).error[:2] == BAD, bad
    lost = wire.post(f"{wire.namespaces('absent')}/register", {"name": "t", "metadata-location": location})
    assert lost.error[:2] == (404, "NoSuchNamespaceException")
    back = wire.post(path, {"name": "back", "metadata-location": location, "overwrite": False})
    assert (back.status, back.json["metadata-location"]) == (200, location)
    assert back.json["metadata"] == made["metadata"]


# Bad input


def deep(levels: int) -> bytes:
    return b'{"name":' + b"[" * levels + b"]" * levels + b"}"


MALFORMED = {
    "nothing": b"",
    "no JSON": b"{",
    "two values": b"{} {}",
    "a list": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "NaN": b'{"name": NaN}',
    "not UTF-8": b'{"name": "\xff"}',
    "2,000 levels": deep(2000),
    "200,000 levels": deep(200_000),
    "lone surrogate": b'{"name": "\\ud800", "schema": {"type": "struct", "fields": []}}',
    "duplicate keys": b'{"name": "a", "name": "b", "schema": {"type": "struct", "fields": []}}',
    "wrong types": b'{"name": 1, "schema": "x"}',
    "schema of a wrong type": b'{"name": "a", "schema": {"type": "list"}}',
    "no schema": b'{"name": "a"}',
    "properties that are no strings": b'{"name": "a", "schema": {"type": "struct", "fields": []}, "properties": {"a": 1}}',
    "format version 0": b'{"name": "a", "schema": {"type": "struct", "fields": []}, "properties": {"format-version": "0"}}',
    "format version 99": b'{"name": "a", "schema": {"type": "struct", "fields": []}, "properties": {"format-version": "99"}}',
    "unknown type": b'{"name": "a", "schema": {"type": "struct", "fields": [{"id": 1, "name": "x", "required": false, "type": "ulong"}]}}',
    "two columns of a name": b'{"name": "a", "schema": {"type": "struct", "fields": ['
    b'{"id": 1, "name": "x", "required": false, "type": "int"}, {"id": 2, "name": "x", "required": false, "type": "int"}]}}',
    "huge id": b'{"name": "a", "schema": {"type": "struct", "fields": [{"id": 1e400, "name": "x", "required": false, "type": "int"}]}}',
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_bodies(wire: Wire, space: str, case: str) -> None:
    answer = wire.post(wire.tables(space), MALFORMED[case])
    assert answer.error[:2] == BAD, answer
    assert wire.get(wire.tables(space)).json["identifiers"] == []


@pytest.mark.parametrize("case", ["nothing", "no JSON", "a list", "null", "not UTF-8", "2,000 levels", "200,000 levels"])
def test_malformed_bodies_of_other_routes(wire: Wire, space: str, case: str) -> None:
    wire.make_table(space, name="t")
    path = wire.tables(space, name="t")
    before = wire.get(path).json["metadata-location"]
    for where in [
        wire.namespaces(),
        f"{wire.namespaces(space)}/properties",
        f"{wire.namespaces(space)}/register",
        path,
        f"{path}/metrics",
        "/v1/demo/tables/rename",
    ]:
        assert wire.post(where, MALFORMED[case]).error[:2] == BAD, where
    assert wire.get(path).json["metadata-location"] == before


def test_bodies_that_are_too_large(wire: Wire, space: str) -> None:
    body = b'{"name": "a", "x": "' + b"x" * (20 * 1024 * 1024) + b'"}'
    answer = wire.post(wire.tables(space), body)
    assert answer.error[:2] == (413, "RequestTooLargeException")
    assert wire.get(wire.tables(space)).json["identifiers"] == []


def test_names_that_every_object_has(wire: Wire, space: str) -> None:
    """`__proto__` is refused wherever it is a key; everything else is data."""
    schema = '"schema": {"type": "struct", "fields": []}'
    for body in [
        f'{{"name": "t", {schema}, "properties": {{"__proto__": "p"}}}}',
        f'{{"name": "t", {schema}, "__proto__": {{"stage-create": true}}}}',
        f'{{"name": "t", {schema}, "__proto__": null}}',
    ]:
        assert wire.post(wire.tables(space), body.encode()).error[:2] == BAD
    assert wire.get(wire.tables(space)).json["identifiers"] == []
    inherited = {"constructor": "c", "toString": "t", "hasOwnProperty": "h", "valueOf": "v"}
    wire.make_table(space, name="constructor", properties=inherited)
    assert wire.get(wire.tables(space, name="constructor")).json["metadata"]["properties"].items() >= inherited.items()
    wire.make_namespace(space, "__proto__")
    assert wire.get(wire.namespaces(space, "__proto__")).json["properties"] == {}
    answer = wire.post(f"{wire.namespaces(space)}/properties", {"updates": inherited, "removals": ["isPrototypeOf"]})
    assert answer.json == {"updated": list(inherited), "removed": [], "missing": ["isPrototypeOf"]}


def test_bad_commits(wire: Wire, space: str) -> None:
    wire.make_table(space, name="t")
    path = wire.tables(space, name="t")
    before = wire.get(path).json["metadata-location"]
    snapshot = {"snapshot-id": 1, "timestamp-ms": 1, "sequence-number": 1, "summary": {"operation": "append"}, "schema-id": 0}
    bad: list[Any] = [
        {"updates": "x", "requirements": []},
        {"updates": [{"action": "no-such-update"}], "requirements": []},
        {"updates": [{}], "requirements": []},
        {"updates": [7], "requirements": []},
        {"updates": [], "requirements": [{"type": "no-such-requirement"}]},
        {"updates": [], "requirements": [{}]},
        *(
            {"updates": [update], "requirements": []}
            for update in [
                {"action": "set-properties"},
                {"action": "set-properties", "updates": {"a": 1}},
                {"action": "set-current-schema", "schema-id": 99},
                {"action": "set-current-schema", "schema-id": -1},
                {"action": "set-default-spec", "spec-id": 99},
                {"action": "set-default-sort-order", "sort-order-id": 99},
                {"action": "upgrade-format-version", "format-version": 1},
                {"action": "upgrade-format-version", "format-version": 99},
                {"action": "assign-uuid", "uuid": "0190a2f0-0000-7000-8000-000000000000"},
                {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 99},
                {"action": "set-location", "location": "s3://other/x"},
                {"action": "add-snapshot", "snapshot": {**snapshot, "manifest-list": "s3://other/x.avro"}},
                {"action": "add-snapshot", "snapshot": {"snapshot-id": 1}},
                {"action": "set-statistics", "statistics": {"snapshot-id": 1, "statistics-path": "s3://other/x.puffin"}},
            ]
        ),
    ]
    for body in bad:
        assert wire.post(path, body).error[:2] == BAD, body
    assert wire.get(path).json["metadata-location"] == before
