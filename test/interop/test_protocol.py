# Exact wire behaviour of the catalog: statuses, error types and messages, encodings, pages, headers
# (Iceberg REST specification; messages as the reference implementation's own tests assert them).

import re
from urllib.parse import quote

import pytest

from server import Server
from wire import BAD, SCHEMA, UUID, Wire, bodiless, fresh

JAVA = {"X-Client-Version": "Apache Iceberg 1.11.0 (commit 0)"}
PYICEBERG = {"X-Client-Version": "PyIceberg 0.12.0"}


# Configuration, health, headers


def test_config(wire: Wire) -> None:
    answer = wire.get("/v1/config?warehouse=demo")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"defaults", "overrides", "endpoints", "idempotency-key-lifetime"}
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
POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister
POST /v1/{prefix}/transactions/commit
GET /v1/{prefix}/namespaces/{namespace}/views
POST /v1/{prefix}/namespaces/{namespace}/views
GET /v1/{prefix}/namespaces/{namespace}/views/{view}
HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}
POST /v1/{prefix}/namespaces/{namespace}/views/{view}
DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}
POST /v1/{prefix}/views/rename
POST /v1/{prefix}/namespaces/{namespace}/register-view
POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics
GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials
POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign""".splitlines()
    )


def test_every_advertised_endpoint_is_served(wire: Wire, space: str) -> None:
    """And answers 401 to who does not say who he is."""
    endpoints = wire.get("/v1/config?warehouse=demo").json["endpoints"]
    stranger = Wire(wire.uri, None)
    for endpoint in endpoints:
        method, template = endpoint.split(" ")
        path = template.format(prefix="demo", namespace=space, table="absent", view="absent")
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
    assert wire.get("/v1/absent/namespaces").error == (
        404,
        "NoSuchWarehouseException",
        "Warehouse does not exist: absent",
    )


def test_health_needs_no_token(server: Server) -> None:
    nobody = Wire(server.uri, None)
    assert nobody.get("/health/live").json == {"status": "ok"}
    assert nobody.get("/health/ready").json == {"status": "ready"}


def test_unknown_routes_and_methods(wire: Wire, space: str) -> None:
    for path in [
        "/v1",
        "/v1/demo",
        "/v1/demo/namespaces/a/functions",
        "/v1/demo/nothing",
        f"{wire.tables(space, name='t')}/x",
        "/x",
    ]:
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
    assert {"GET", "HEAD", "POST", "DELETE", "PUT"} <= set(
        re.split(", ?", preflight.headers["access-control-allow-methods"])
    )
    for client in [wire, nobody]:
        answer = client.get(path, headers={"Origin": "https://engine.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"].lower()
        assert "x-request-id" in exposed and "etag" in exposed


def test_what_is_not_known_is_ignored(wire: Wire, space: str) -> None:
    headers = {"Content-Type": "application/json", "X-Whatever": "1"}
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
        404,
        "NoSuchNamespaceException",
        "Namespace does not exist: absent.x",
    )
    assert bodiless(wire.head(wire.namespaces(name, "b")), 204)
    assert bodiless(wire.head(wire.namespaces(name, "c")), 404)

    below = wire.get(f"{wire.namespaces()}?parent={name}")
    assert below.json == {"namespaces": [[name, "b"]], "next-page-token": None}
    assert wire.get(f"{wire.namespaces()}?parent={name}%1Fb").json["namespaces"] == []
    assert wire.get(f"{wire.namespaces()}?parent=absent").error == (
        404,
        "NoSuchNamespaceException",
        "Namespace does not exist: absent",
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
    assert wire.post(path, {"updates": {"a": "1", "b": "2"}}).json == {
        "updated": ["a", "b"],
        "removed": [],
        "missing": [],
    }
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
    "a%1F|%1Fa|a%1F%1Fb|%00|a%0a|%7f|%c0%ae|%ff|%ed%a0%80|%|%zz|a@b|%F3%A0%81%81".split("|") + ["x" * 256],
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
    """The proxy of `wrangler dev` resolves them before the Worker sees them: they lead to another route."""
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
        assert [name for page in pages for name in page] == names
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
