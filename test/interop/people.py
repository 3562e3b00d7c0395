"""Users, grants, tenants and tokens, written where the catalog keeps them: it has no way yet to be asked for them.

Rows go into D1's file while the server is stopped, or into its PostgreSQL; tokens are signed with the key of its data folder.
"""

import json
import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import jwt
from jwt.algorithms import ECAlgorithm

from server import ROOT, STORE, Server

DEFAULT_TENANT = "00000000-0000-0000-0000-000000000000"
OPEN_SEQ = 2**53 - 1
CREATED_AT = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Person:
    tenant: str
    id: str
    username: str


class Database:
    """The catalog's own database."""

    def __init__(self, connection: "sqlite3.Connection | Postgres") -> None:
        self.connection = connection

    def record(
        self, tenant: str, kind: str, doc: dict[str, Any], name: str | None = None, owner: str | None = None
    ) -> None:
        """Adds a record, or replaces the one with its id."""
        row = (tenant, kind, doc["id"], name, owner, json.dumps(doc))
        self.connection.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, kind, id)"
            " DO UPDATE SET name = excluded.name, owner = excluded.owner, doc = excluded.doc",
            row,
        )

    def user(
        self, username: str, tenant: str = DEFAULT_TENANT, role: str = "tenant-user", active: bool = True
    ) -> Person:
        """Adds a user without a password; the same name again changes him."""
        found = self.one("SELECT id FROM record WHERE kind = 'user' AND tenant_id = ? AND name = ?", tenant, username)
        person = Person(tenant, found or str(uuid4()), username)
        doc = {"id": person.id, "username": username, "role": role, "passwordHash": None}
        self.record(tenant, "user", {**doc, "active": active, "createdAt": CREATED_AT}, name=username)
        return person

    def grant(self, person: Person, scope: dict[str, str], *actions: str) -> None:
        doc = {"id": str(uuid4()), "userId": person.id, "scope": scope, "actions": actions, "createdAt": CREATED_AT}
        self.record(person.tenant, "grant", doc, owner=person.id)

    def revoke(self, tenant: str, token_id: str) -> None:
        self.record(tenant, "revoked-token", {"id": token_id, "expiresAt": "2099-01-01T00:00:00.000Z"})

    def tenant(self, name: str, catalog: str, prefix: str) -> str:
        """A tenant with a warehouse below `prefix` of the bucket and an empty catalog."""
        tenant, warehouse, owned, branch = (str(uuid4()) for _ in range(4))
        at = {"createdAt": CREATED_AT}
        storage = {"kind": "r2", "bucket": "lake", "prefix": prefix}
        self.record(tenant, "tenant", {"id": tenant, "name": name, **at}, name=name)
        self.record(tenant, "warehouse", {"id": warehouse, "name": "theirs", "storage": storage, **at}, name="theirs")
        doc = {"id": owned, "name": catalog, "warehouseId": warehouse, "properties": {}, **at}
        self.record(tenant, "catalog", doc, name=catalog, owner=warehouse)
        self.ref(tenant, branch, owned, "main", "branch", (branch, OPEN_SEQ), [])
        return tenant

    def past(self, name: str, kind: str) -> None:
        """A tag or branch of catalog `demo` where its branch `main` is now."""
        main, catalog, head = self.connection.execute(
            "SELECT id, catalog_id, head_seq FROM ref WHERE tenant_id = ? AND name = 'main'", (DEFAULT_TENANT,)
        ).fetchone()
        here = (main, int(head))
        if kind == "tag":
            self.ref(DEFAULT_TENANT, str(uuid4()), catalog, name, kind, here, [])
        else:
            branch = str(uuid4())
            ancestors = [{"branchId": main, "seq": int(head)}]
            self.ref(DEFAULT_TENANT, branch, catalog, name, kind, (branch, OPEN_SEQ), ancestors)

    def ref(
        self, tenant: str, id: str, catalog: str, name: str, kind: str, at: tuple[str, int], ancestors: list[dict[str, Any]]
    ) -> None:
        row = (tenant, id, catalog, name, kind, "open", *at, 0, json.dumps(ancestors), CREATED_AT)
        self.connection.execute(f"INSERT INTO ref VALUES ({', '.join('?' * len(row))})", row)

    def scope(self, *levels: str, table: str | None = None) -> dict[str, str]:
        """The scope of a grant on catalog `demo`, a namespace or a table of it."""
        catalog = self.one(
            "SELECT id FROM record WHERE kind = 'catalog' AND tenant_id = ? AND name = 'demo'", DEFAULT_TENANT
        )
        if not levels:
            return {"type": "catalog", "catalogId": catalog}
        kind = "namespace" if table is None else "asset"
        parent, name = (levels[:-1], levels[-1]) if table is None else (levels, table)
        object_id = self.one(
            "SELECT object_id FROM entry"
            " WHERE tenant_id = ? AND class = ? AND namespace = ? AND name = ? AND to_seq = ?",
            DEFAULT_TENANT,
            kind,
            "\u001f".join(parent),
            name,
            OPEN_SEQ,
        )
        assert object_id, f"no {kind} {levels} {table}"
        return {"type": kind, "catalogId": catalog, "objectId": object_id}

    def one(self, sql: str, *values: Any) -> Any:
        row = self.connection.execute(sql, values).fetchone()
        return row and row[0]


class Postgres:
    """A PostgreSQL in the place of a connection to SQLite."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.rows: list[list[Any]] = []

    def execute(self, sql: str, values: tuple[Any, ...]) -> "Postgres":
        numbers = count(1)
        text = re.sub(r"\?", lambda _: f"${next(numbers)}", sql)
        command = ["node", "--experimental-strip-types", "test/interop/postgres.ts"]
        asked = json.dumps([text, values])
        environment = os.environ | {"DATABASE_URL": self.url, "NODE_NO_WARNINGS": "1"}
        path = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), environment["PATH"]])
        done = subprocess.run(
            command, cwd=ROOT, env=environment | {"PATH": path}, input=asked, text=True, stdout=subprocess.PIPE, check=True
        )
        self.rows = json.loads(done.stdout)
        return self

    def fetchone(self) -> list[Any] | None:
        return self.rows[0] if self.rows else None


@contextmanager
def stopped(server: Server) -> Iterator[Database]:
    """The database of the server, which is stopped where two may not write at the same time."""
    if STORE == "postgres":
        (url,) = re.findall(r"^DATABASE_URL='(.*)'$", (server.data / "worker.env").read_text(), re.MULTILINE)
        yield Database(Postgres(url))
        return
    server.stop()
    folder = server.data / "v3" / "d1" / "miniflare-D1DatabaseObject"
    (file,) = [path for path in folder.glob("*.sqlite") if path.name != "metadata.sqlite"]
    connection = sqlite3.connect(file)
    # Python's SQLite may be older than D1's and not understand a trigger of a table that is none of ours.
    connection.execute("PRAGMA writable_schema = ON")
    try:
        yield Database(connection)
        connection.commit()
    finally:
        connection.close()
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
