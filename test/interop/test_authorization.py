# Who may: a token says who asks, the store says what he may; what he may not know of looks missing, what he sees but
# may not do is forbidden, and a token, user or grant that no longer counts is refused on the next request (DESIGN 2.4).

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyiceberg.exceptions import ForbiddenError

from people import DEFAULT_TENANT, Person, Tokens, stopped
from server import Server
from wire import SCHEMA, Answer, Wire, engine, fresh


@dataclass(frozen=True)
class World:
    """Catalog `demo` of the default tenant with one namespace of two tables, and people around it."""

    server: Server
    tokens: Tokens
    space: str
    uuid: str
    metadata_location: str
    stranger: Person
    """Administrator of another tenant, whose catalog is called `demo` too."""
    nobody: Person
    table_reader: Person
    space_reader: Person
    writer: Person

    def wire(self, person: Person | None = None, **token: Any) -> Wire:
        return Wire(self.server.uri, self.tokens.of(person, **token) if person else self.server.token)


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    wire = Wire(server.uri, server.token)
    space = fresh("world")
    wire.make_namespace(space)
    made = wire.make_table(space, name="t")
    wire.make_table(space, name="hidden")
    with stopped(server) as database:
        tenant = database.tenant(fresh("theirs"), "demo", f"{fresh('theirs')}/")
        stranger = database.user("stranger", tenant, "tenant-admin")
        nobody = database.user(fresh("nobody"))
        table_reader = database.user(fresh("table-reader"))
        database.grant(table_reader, database.scope(space, table="t"), "read")
        space_reader = database.user(fresh("space-reader"))
        database.grant(space_reader, database.scope(space), "read")
        writer = database.user(fresh("writer"))
        database.grant(writer, database.scope(space), "write")
    yield World(
        server,
        Tokens(server),
        space,
        made["metadata"]["table-uuid"],
        made["metadata-location"],
        stranger,
        nobody,
        table_reader,
        space_reader,
        writer,
    )


def every_call(wire: Wire, space: str, table: str, metadata_location: str) -> dict[str, Answer]:
    """One request to every route that names a namespace or a table."""
    path = wire.tables(space, name=table)
    commit = {"requirements": [], "updates": [{"action": "set-properties", "updates": {"x": "y"}}]}
    source = {"namespace": [space], "name": table}
    return {
        "list in": wire.get(f"{wire.namespaces()}?parent={space}"),
        "load namespace": wire.get(wire.namespaces(space)),
        "namespace exists": wire.head(wire.namespaces(space)),
        "create below": wire.post(wire.namespaces(), {"namespace": [space, "below"]}),
        "namespace properties": wire.post(f"{wire.namespaces(space)}/properties", {"updates": {"a": "b"}}),
        "list tables": wire.get(wire.tables(space)),
        "create table": wire.post(wire.tables(space), {"name": "new", "schema": SCHEMA}),
        "stage table": wire.post(wire.tables(space), {"name": "new", "schema": SCHEMA, "stage-create": True}),
        "register": wire.post(
            f"{wire.namespaces(space)}/register", {"name": "new", "metadata-location": metadata_location}
        ),
        "load table": wire.get(path),
        "table exists": wire.head(path),
        "credentials": wire.get(f"{path}/credentials"),
        "sign": wire.post(f"{path}/sign", {"method": "GET", "uri": wire.uri, "region": "auto", "headers": {}}),
        "commit": wire.post(path, commit),
        "rename": wire.post(
            f"/v1/{wire.prefix}/tables/rename", {"source": source, "destination": {**source, "name": "z"}}
        ),
        "metrics": wire.post(f"{path}/metrics", {"report-type": "commit-report"}),
        "drop table": wire.delete(path),
        "purge table": wire.delete(f"{path}?purgeRequested=true"),
        "drop namespace": wire.delete(wire.namespaces(space)),
    }


def test_another_tenant_sees_nothing(world: World) -> None:
    """Also not when his catalog has the same name: every answer is the one for what never existed."""
    wire = world.wire(world.stranger)
    real = every_call(wire, world.space, "t", world.metadata_location)
    missing = every_call(wire, "a" * len(world.space), "t", world.metadata_location)
    assert {name for name, answer in real.items() if answer.status != 404} <= {"register"}
    for name, answer in real.items():
        expected = missing[name].body.replace(b"a" * len(world.space), world.space.encode())
        assert (answer.status, answer.body) == (missing[name].status, expected), name
    assert wire.get(wire.namespaces()).json["namespaces"] == []
    assert_untouched(world)


def test_another_tenant_cannot_be_named(world: World) -> None:
    wire = world.wire(world.stranger)
    for headers in [{"X-Pangolin-Tenant": DEFAULT_TENANT}, {"x-tenant-id": DEFAULT_TENANT}]:
        assert wire.get(wire.tables(world.space, name="t"), headers=headers).status == 404


def test_another_tenants_files_are_out_of_reach(world: World) -> None:
    wire = world.wire(world.stranger)
    mine = fresh("mine")
    wire.make_namespace(mine)
    made = wire.make_table(mine, name="t")
    assert made["metadata"]["location"].startswith("s3://lake/theirs_")
    folder = world.metadata_location.rsplit("/metadata/", 1)[0]
    tries = [
        wire.post(f"{wire.namespaces(mine)}/register", {"name": "r", "metadata-location": world.metadata_location}),
        wire.post(wire.tables(mine), {"name": "c", "schema": SCHEMA, "location": folder}),
        wire.post(wire.tables(mine), {"name": "c", "schema": SCHEMA, "properties": {"write.data.path": folder}}),
        wire.post(wire.tables(mine), {"name": "c", "schema": SCHEMA, "location": folder, "stage-create": True}),
        wire.set_properties(mine, name="t", **{"write.data.path": folder}),
    ]
    assert [answer.error[:2] for answer in tries] == [(400, "BadRequestException")] * len(tries)
    assert wire.delete(wire.tables(mine, name="t")).status == 204
    assert wire.delete(wire.namespaces(mine)).status == 204


def test_a_user_without_grants_sees_nothing(world: World) -> None:
    wire = world.wire(world.nobody)
    for name, answer in every_call(wire, world.space, "t", world.metadata_location).items():
        assert answer.status == 404, (name, answer)
    unknown = Wire(wire.uri, wire.token, prefix="aaaa")
    for real, missing in [
        (wire.get("/v1/config?warehouse=demo"), wire.get("/v1/config?warehouse=aaaa")),
        (wire.get(wire.namespaces()), unknown.get(unknown.namespaces())),
        (wire.get(wire.tables(world.space, name="t")), unknown.get(unknown.tables(world.space, name="t"))),
    ]:
        assert real.error[:2] == (404, "NoSuchWarehouseException")
        assert real.body == missing.body.replace(b"aaaa", b"demo")
    assert_untouched(world)


def test_a_reader_of_one_table(world: World) -> None:
    wire = world.wire(world.table_reader)
    path = wire.tables(world.space, name="t")
    assert wire.get("/v1/config?warehouse=demo").status == 200
    assert wire.get(path).json["metadata"]["table-uuid"] == world.uuid
    assert wire.head(path).status == 204
    listed = wire.get(wire.tables(world.space)).json["identifiers"]
    assert listed == [{"namespace": [world.space], "name": "t"}]
    refused = every_call(wire, world.space, "t", world.metadata_location)
    assert {name: refused[name].error[:2] for name in ["commit", "drop table", "purge table"]} == dict.fromkeys(
        ["commit", "drop table", "purge table"], (403, "ForbiddenException")
    )
    hidden = every_call(wire, world.space, "hidden", world.metadata_location)
    assert {name for name, answer in hidden.items() if answer.status != 404} == {"list tables"}
    absent = wire.get(wire.tables(world.space, name="absent"))
    assert hidden["load table"].body == absent.body.replace(b"absent", b"hidden")
    assert_untouched(world)


def test_a_reader_of_a_namespace(world: World) -> None:
    wire = world.wire(world.space_reader)
    answers = every_call(wire, world.space, "t", world.metadata_location)
    reads = {"list in", "load namespace", "list tables", "load table", "credentials"}
    heads = {"namespace exists", "table exists", "metrics"}
    assert {name: answers[name].status for name in reads} == dict.fromkeys(reads, 200)
    assert {name: answers[name].status for name in heads} == dict.fromkeys(heads, 204)
    for name in answers.keys() - reads - heads:
        assert answers[name].error[:2] == (403, "ForbiddenException"), name
    assert wire.post(wire.namespaces(), {"namespace": [fresh("top")]}).error[:2] == (403, "ForbiddenException")
    catalog = engine(world.server, token=wire.token)
    assert catalog.list_tables(world.space) == [(world.space, "hidden"), (world.space, "t")]
    assert catalog.load_table((world.space, "t")).scan().to_arrow().num_rows == 0
    with pytest.raises(ForbiddenError):
        catalog.drop_table((world.space, "t"))
    assert_untouched(world)


def test_a_writer_of_a_namespace(world: World) -> None:
    wire = world.wire(world.writer)
    wire.make_table(world.space, name="made")
    assert wire.set_properties(world.space, name="made", k="v").status == 200
    assert wire.delete(wire.tables(world.space, name="made")).status == 204
    assert wire.post(wire.namespaces(), {"namespace": [fresh("top")]}).status == 403
    other = fresh("other")
    world.wire().make_namespace(other)
    assert wire.post(wire.tables(other), {"name": "t", "schema": SCHEMA}).status == 404
    moved = {"source": {"namespace": [world.space], "name": "t"}, "destination": {"namespace": [other], "name": "t"}}
    assert wire.post("/v1/demo/tables/rename", moved).status == 404
    assert_untouched(world)


def test_a_staged_table_opens_no_folder_of_others(world: World) -> None:
    """Security case 1: its credential comes before the commit that would find out."""
    wire = world.wire(world.writer)
    path = wire.tables(world.space)
    folder = world.metadata_location.rsplit("/metadata/", 1)[0]
    for where in [
        {"location": folder},
        {"location": f"s3://lake/{fresh('free')}"},
        {"properties": {"write.data.path": folder}},
        {"properties": {"write.metadata.path": f"{folder}/data"}},
    ]:
        answer = wire.post(path, {"name": "staged", "schema": SCHEMA, "stage-create": True, **where})
        assert answer.error[:2] == (403, "ForbiddenException"), where
        assert b"s3.session-token" not in answer.body
    assert wire.post(path, {"name": "staged", "schema": SCHEMA, "stage-create": True}).status == 200
    assert_untouched(world)


def assert_untouched(world: World) -> None:
    wire = world.wire()
    loaded = wire.get(wire.tables(world.space, name="t")).json
    assert loaded["metadata-location"] == world.metadata_location
    names = [each["name"] for each in wire.get(wire.tables(world.space)).json["identifiers"]]
    assert names == ["hidden", "t"]


def test_bad_tokens(world: World) -> None:
    tokens, person = world.tokens, world.writer
    other_key = ec.generate_private_key(ec.SECP256R1())
    public = tokens.key.public_key()
    numbers = other_key.public_key().public_numbers()
    own_jwk = {"kty": "EC", "crv": "P-256", **{axis: b64(getattr(numbers, axis).to_bytes(32)) for axis in "xy"}}
    now = int(time.time())
    good = tokens.of(person)
    head, body, signature = good.split(".")
    bad = {
        "none at all": None,
        "empty": "",
        "not a token": "letmein",
        "expired": tokens.of(person, exp=now - 3600),
        "not yet": tokens.of(person, nbf=now + 3600),
        "foreign key": tokens.of(person, key=other_key),
        "foreign key of its own": tokens.of(person, key=other_key, headers={"jwk": own_jwk, "kid": None}),
        "foreign key elsewhere": tokens.of(
            person, key=other_key, headers={"jku": "http://127.0.0.1:9/jwks", "kid": "x"}
        ),
        "alg none": f"{part({'alg': 'none', 'kid': tokens.jwk['kid']})}.{body}.",
        "alg none, signed": f"{part({'alg': 'none', 'kid': tokens.jwk['kid']})}.{body}.{signature}",
        **{
            f"HS256 with the public key as {name}": hs256(body, tokens.jwk["kid"], secret)
            for name, secret in {
                "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
                "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
                "point": public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
                "JWK": json.dumps({name: tokens.jwk[name] for name in ["kty", "crv", "x", "y"]}).encode(),
                "nothing": b"",
            }.items()
        },
        "no kid": tokens.of(person, headers={"kid": None}),
        "unknown kid": tokens.of(person, headers={"kid": "other"}),
        "wrong audience": tokens.of(person, aud="other"),
        "no audience": tokens.of(person, aud=None),
        "wrong issuer": tokens.of(person, iss="other"),
        "no issuer": tokens.of(person, iss=None),
        "no expiry": tokens.of(person, exp=None),
        "no subject": tokens.of(person, sub=None),
        "no id": tokens.of(person, jti=None),
        "no tenant": tokens.of(person, tenant=None),
        "unknown tenant": tokens.of(person, tenant=str(uuid4())),
        "another tenant": tokens.of(person, tenant=world.stranger.tenant),
        "unknown user": tokens.of(person, sub=str(uuid4())),
        "changed claims": f"{head}.{part({**claims(body), 'sub': world.stranger.id})}.{signature}",
        "no signature": f"{head}.{body}.",
        "other signature": f"{head}.{body}.{signature[:-4]}AAAA",
        "critical header": tokens.of(person, headers={"crit": ["x"], "x": "y"}),
    }
    wire = world.wire()
    for name, token in bad.items():
        wire.token = token
        for answer in [
            wire.get("/v1/config?warehouse=demo"),
            wire.get(wire.tables(world.space, name="t")),
            wire.delete(wire.tables(world.space, name="t")),
        ]:
            assert answer.status == 401, (name, answer)
            assert answer.error[1] == "NotAuthorizedException", (name, answer)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert not token or token not in answer.body.decode()
    wire.token = None
    for header in ["Basic YWRtaW46YWRtaW4=", f"Token {good}", good, "Bearer", f"Bearer {good} {good}"]:
        assert wire.get("/v1/config?warehouse=demo", headers={"Authorization": header}).status == 401, header
    wire.token = good
    assert wire.get("/v1/config?warehouse=demo").status == 200
    assert_untouched(world)


def test_login(world: World) -> None:
    wire = Wire(world.server.uri, None)

    def login(**body: Any) -> Answer:
        return wire.post("/api/v1/users/login", body)

    admin = {"username": world.server.username, "password": world.server.password}
    answer = login(**admin)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert Wire(wire.uri, answer.json["token"]).get("/v1/config?warehouse=demo").status == 200
    assert world.server.password not in answer.body.decode()
    refused = [
        login(**{**admin, "password": "wrong"}),
        login(username="absent", password="wrong"),
        login(username=world.nobody.username, password="wrong"),
        login(**{**admin, "tenant-id": world.stranger.tenant}),
    ]
    assert {answer.error for answer in refused} == {refused[0].error}
    assert refused[0].error[:2] == (401, "NotAuthorizedException")
    for body in [{}, {"username": "admin"}, {"username": "admin", "password": ["x"]}, {**admin, "tenant-id": "x"}]:
        assert login(**body).error[:2] == (400, "BadRequestException")
    claimed = login(**admin, role="root", roles=["Root"], tenant="x").json
    assert set(claims(claimed["token"].split(".")[1])) == {"tenant", "sub", "jti", "iss", "aud", "iat", "exp"}


def test_what_no_longer_counts_is_refused_at_once(world: World) -> None:
    server = world.server
    with stopped(server) as database:
        leaver, keeper, loser = (database.user(fresh(word)) for word in ("leaver", "keeper", "loser"))
        for person in (leaver, keeper, loser):
            database.grant(person, database.scope(world.space), "write")
    revoked_id = str(uuid4())
    wires = {
        "disabled user": world.wire(leaver),
        "revoked token": world.wire(keeper, jti=revoked_id),
        "other token of his": world.wire(keeper),
        "lost grant": world.wire(loser),
    }
    path = wires["disabled user"].tables(world.space, name="t")
    assert {name: wire.get(path).status for name, wire in wires.items()} == dict.fromkeys(wires, 200)
    with stopped(server) as database:
        database.user(leaver.username, active=False)
        database.revoke(DEFAULT_TENANT, revoked_id)
        database.withdraw_grants(loser)
    assert {name: wire.get(path).status for name, wire in wires.items()} == {
        "disabled user": 401,
        "revoked token": 401,
        "other token of his": 200,
        "lost grant": 404,
    }
    for name in ["disabled user", "revoked token"]:
        assert wires[name].get(path).error[1] == "NotAuthorizedException"
        assert wires[name].get("/v1/config?warehouse=demo").status == 401


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value: dict[str, Any]) -> str:
    return b64(json.dumps(value).encode())


def claims(body: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def hs256(body: str, kid: str, secret: bytes) -> str:
    signed = f"{part({'alg': 'HS256', 'kid': kid, 'typ': 'JWT'})}.{body}"
    return f"{signed}.{b64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"
