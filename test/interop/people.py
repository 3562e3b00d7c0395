"""Users, grants, tenants and tokens, made where the catalog keeps them: it has no way yet to be asked for them.

A program asks the store for them, while the server is stopped if that is D1; tokens are signed with the key of the
server's data folder.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
from jwt.algorithms import ECAlgorithm

from node import Program
from server import STORE, Server

DEFAULT_TENANT = "00000000-0000-0000-0000-000000000000"
CREATED_AT = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Person:
    tenant: str
    id: str
    username: str


class Database:
    """The catalog's own store."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def ask(self, method: str, argument: Any, tenant: str = DEFAULT_TENANT) -> Any:
        """What the store of a tenant answers."""
        return self.program.ask(tenant, method, argument)

    def make(self, kind: str, record: dict[str, Any], tenant: str = DEFAULT_TENANT) -> None:
        assert self.ask(f"{kind}.create", record, tenant), record

    def user(
        self, username: str, tenant: str = DEFAULT_TENANT, role: str = "tenant-user", active: bool = True
    ) -> Person:
        """Adds a user without a password; the same name again changes him."""
        found = self.ask("users.byName", username, tenant)
        person = Person(tenant, found["id"] if found else str(uuid4()), username)
        record = {"id": person.id, "username": username, "role": role, "passwordHash": None}
        record |= {"active": active, "createdAt": CREATED_AT}
        assert self.ask("users.update" if found else "users.create", record, tenant)
        return person

    def grant(self, person: Person, scope: dict[str, str], *actions: str) -> None:
        record = {"id": str(uuid4()), "userId": person.id, "scope": scope, "actions": actions, "createdAt": CREATED_AT}
        self.make("grants", record, person.tenant)

    def withdraw_grants(self, person: Person) -> None:
        for grant in self.ask("grants.list", {"limit": 1000}, person.tenant)["records"]:
            if grant["userId"] == person.id:
                assert self.ask("grants.delete", grant["id"], person.tenant)

    def revoke(self, tenant: str, token_id: str) -> None:
        self.make("revokedTokens", {"id": token_id, "expiresAt": "2099-01-01T00:00:00.000Z"}, tenant)

    def tenant(self, name: str, catalog: str, prefix: str) -> str:
        """A tenant with a warehouse below `prefix` of the bucket, which is another tenant's, and an empty catalog."""
        tenant, warehouse, owned, branch, owner = (str(uuid4()) for _ in range(5))
        at = {"createdAt": CREATED_AT}
        place = {"id": warehouse, "name": "theirs", **at}
        first = {
            "tenant": {"id": tenant, "name": name, **at},
            "warehouse": {**place, "storage": {"kind": "r2", "bucket": f"of-{tenant}", "prefix": ""}},
            "catalog": {"id": owned, "name": catalog, "warehouseId": warehouse, "properties": {}, **at},
            "branch": {
                "id": branch, "catalogId": owned, "name": "main", "state": "open", "headSeq": 0, "ancestors": [],
            },
            "user": {
                "id": owner, "username": "owner", "role": "tenant-admin", "passwordHash": None, "active": True, **at,
            },
        }
        assert self.ask("bootstrap", first, tenant)
        self.ask("move", {**place, "storage": {"kind": "r2", "bucket": "lake", "prefix": prefix}}, tenant)
        return tenant

    def past(self, name: str, kind: str) -> None:
        """A tag or branch of catalog `demo` where its branch `main` is now."""
        main = self.ask("branches.get", [self.demo(), "main"])
        source = {"id": str(uuid4()), "name": name, "from": {"branchId": main["id"]}, "at": CREATED_AT}
        assert self.ask("branches.tag" if kind == "tag" else "branches.fork", source)

    def scope(self, *levels: str, table: str | None = None) -> dict[str, str]:
        """The scope of a grant on catalog `demo`, a namespace or a table of it."""
        catalog = self.demo()
        if not levels:
            return {"type": "catalog", "catalogId": catalog}
        kind = "namespace" if table is None else "asset"
        parent, name = (levels[:-1], levels[-1]) if table is None else (levels, table)
        key = {"class": kind, "namespace": "\u001f".join(parent), "name": name}
        (entry,) = self.ask("read", {"at": {"catalog": "demo", "ref": "main"}, "keys": [key]})["entries"]
        assert entry, f"no {kind} {levels} {table}"
        return {"type": kind, "catalogId": catalog, "objectId": entry["objectId"]}

    def demo(self) -> str:
        """The id of the catalog."""
        return self.ask("catalogs.byName", "demo")["id"]


@contextmanager
def stopped(server: Server) -> Iterator[Database]:
    """The database of the server, which is stopped where two may not write at the same time."""
    if STORE in (None, "d1"):
        server.stop()
        place = str(server.data / "v3")
    else:
        settings = (server.data / "worker.env").read_text()
        (place,) = re.findall(r"^(?:DATABASE|MONGO)_URL='(.*)'$", settings, re.MULTILINE)
    program = Program("records.ts", STORE or "d1", place)
    try:
        yield Database(program)
    finally:
        program.close()
        if server.process.poll() is not None:
            server.start()


class Tokens:
    """Signs tokens as the server does, and in ways it must not accept."""

    def __init__(self, server: Server) -> None:
        (self.jwk,) = json.loads((server.data / "secrets.json").read_text())["signingKeys"]["keys"]
        self.key: Any = ECAlgorithm.from_jwk(self.jwk)

    def of(
        self, person: Person, key: Any = None, alg: str = "ES256", headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token for a person. A claim or header that is None is left out."""
        now = int(time.time())
        usual = {
            "tenant": person.tenant,
            "sub": person.id,
            "jti": str(uuid4()),
            "iss": "pangolin",
            "aud": "pangolin",
            "iat": now - 60,
            "exp": now + 3600,
        }
        header = {"kid": self.jwk["kid"], **(headers or {})}
        return jwt.encode(
            {name: value for name, value in {**usual, **claims}.items() if value is not None},
            self.key if key is None else key,
            alg,
            headers={name: value for name, value in header.items() if value is not None},
        )
