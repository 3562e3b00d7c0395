# Contract: an engine that is told a user's name and password, and no token, gets one by itself and works with it.
# Source: Iceberg REST specification, getToken; RFC 6749 §4.4; README, "What is there".

from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pytest
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import OAuthError

from people import DEFAULT_TENANT, Tokens, stopped
from server import Server
from wire import Answer, Wire, fresh

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def told_only(server: Server, **properties: Any) -> RestCatalog:
    """PyIceberg without a token."""
    return RestCatalog("engine", uri=server.uri, warehouse=server.warehouse, **properties)


def ask(server: Server, **parameters: str) -> Answer:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return Wire(server.uri, None).post("/v1/oauth/tokens", urlencode(parameters).encode(), headers=form)


def exchange(server: Server, token: str) -> Answer:
    return ask(server, grant_type=EXCHANGE, subject_token=token, subject_token_type=ACCESS_TOKEN)


@pytest.fixture(params=["", f"{DEFAULT_TENANT}/"], ids=["name", "tenant and name"])
def client_id(server: Server, request: pytest.FixtureRequest) -> str:
    return f"{request.param}{server.username}"


def assert_works(catalog: RestCatalog) -> None:
    """From a namespace to rows and back, with the storage credential that the token earned."""
    space = fresh("oauth")
    rows = pa.table({"id": [1, 2, 3]})
    catalog.create_namespace(space)
    catalog.create_table((space, "t"), rows.schema).append(rows)
    assert catalog.load_table((space, "t")).scan().to_arrow().to_pydict() == rows.to_pydict()
    catalog.purge_table((space, "t"))
    catalog.drop_namespace(space)


def test_credential(server: Server, client_id: str) -> None:
    assert_works(told_only(server, credential=f"{client_id}:{server.password}"))


def test_basic(server: Server, client_id: str) -> None:
    """PyIceberg's newer way sends the credential in the Authorization header."""
    config = {
        "client_id": client_id,
        "client_secret": server.password,
        "token_url": f"{server.uri}/v1/oauth/tokens",
        "scope": "catalog",
    }
    assert_works(told_only(server, auth={"type": "oauth2", "oauth2": config}))


@pytest.mark.parametrize(
    ("credential", "reason"),
    [
        ("admin:wrong", "invalid_client: .*do not match"),
        ("absent:wrong", "invalid_client: .*do not match"),
        ("no-colon", "invalid_request: .*credential=username:password"),
    ],
)
def test_what_is_refused(server: Server, credential: str, reason: str) -> None:
    """The engine understands the answer, and shows what it says."""
    with pytest.raises(OAuthError, match=reason):
        told_only(server, credential=credential)


def test_a_token_for_a_token(server: Server) -> None:
    answer = exchange(server, server.token)
    assert answer.status == 200, answer
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "issued_token_type"}
    assert answer.json["access_token"] != server.token
    assert_works(told_only(server, token=answer.json["access_token"]))


def test_a_session_is_revoked_as_one(server: Server) -> None:
    with stopped(server) as database:
        person = database.user(fresh("person"), role="root")
    id_ = fresh("login")
    login = Tokens(server).of(person, jti=id_)
    first = exchange(server, login).json["access_token"]
    second = exchange(server, first).json["access_token"]
    other = Tokens(server).of(person)

    def statuses() -> list[int]:
        return [Wire(server.uri, token).get("/v1/demo/namespaces").status for token in (login, first, second, other)]

    assert statuses() == [200, 200, 200, 200]
    with stopped(server) as database:
        database.revoke(DEFAULT_TENANT, id_)
    assert statuses() == [401, 401, 401, 200]
    assert [exchange(server, token).status for token in (login, first, second)] == [400, 400, 400]


def test_what_no_longer_counts_is_not_exchanged(server: Server) -> None:
    with stopped(server) as database:
        leaver, keeper = database.user(fresh("leaver")), database.user(fresh("keeper"))
    tokens = Tokens(server)
    id_ = fresh("token")
    of_leaver, revoked, kept = tokens.of(leaver), tokens.of(keeper, jti=id_), tokens.of(keeper)
    assert [exchange(server, token).status for token in (of_leaver, revoked, kept)] == [200, 200, 200]
    with stopped(server) as database:
        database.user(leaver.username, active=False)
        database.revoke(DEFAULT_TENANT, id_)
    assert [exchange(server, token).status for token in (of_leaver, revoked, kept)] == [400, 400, 200]
    assert exchange(server, revoked).json["error"] == "invalid_request"
