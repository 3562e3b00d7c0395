# What the catalog says about itself: one JSON line per request, with what an operator asks for and never a secret
# (security case 34; README, "What it logs").

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from server import Server
from wire import Wire, engine


@pytest.fixture
def talkative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LOG_LEVEL", "debug")
    running = Server(tmp_path / "data")
    yield running
    running.stop()


def test_a_line_per_request_and_no_secret(talkative: Server) -> None:
    server = talkative
    wire = Wire(server.uri, server.token)
    catalog = engine(server)
    catalog.create_namespace("ns")
    table = catalog.create_table(("ns", "t"), pa.schema([("id", pa.int64())]))
    table.append(pa.table({"id": [1]}))
    vended = wire.get(wire.tables("ns", name="t"), headers={"x-request-id": "load-1"}).json["config"]
    wire.get(wire.tables("ns", name="absent"), headers={"x-request-id": "absent-1"})
    Wire(server.uri, "not.a.token").get("/v1/demo/namespaces", headers={"x-request-id": "nobody-1"})
    wire.post(
        "/api/v1/users/login",
        {"username": server.username, "password": server.password},
        headers={"x-request-id": "login-1"},
    )
    wire.get("/v1/config?warehouse=demo&secret=in-the-query", headers={"x-request-id": "query-1"})
    catalog.purge_table(("ns", "t"))
    server.stop()

    lines = lines_of(server)
    requests = {line["requestId"]: line for line in lines if "requestId" in line}
    assert (
        requests["load-1"].items()
        >= {
            "level": "info",
            "method": "GET",
            "status": 200,
            "route": "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
        }.items()
    )
    assert requests["load-1"]["tenant"] and requests["load-1"]["principal"]
    assert isinstance(requests["load-1"]["ms"], int)
    assert requests["absent-1"]["status"] == 404
    assert requests["nobody-1"]["status"] == 401
    assert "principal" not in requests["nobody-1"]
    assert requests["login-1"]["status"] == 200
    assert [line for line in lines if line["level"] == "error"] == []

    log = server.log.read_text(errors="replace")
    secrets = json.loads((server.data / "secrets.json").read_text())
    (key,) = secrets["signingKeys"]["keys"]
    for secret in [
        server.password,
        server.token.split(".")[2],
        secrets["s3SecretAccessKey"],
        key["d"],
        vended["s3.secret-access-key"],
        vended["s3.session-token"],
        "in-the-query",
    ]:
        assert secret not in log


def lines_of(server: Server) -> list[dict[str, Any]]:
    """The Worker's own lines; wrangler's chatter is between them."""
    found = []
    for line in server.log.read_text(errors="replace").splitlines():
        if line.startswith("{"):
            found.append(json.loads(line))
    return found
