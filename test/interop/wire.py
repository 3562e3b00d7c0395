"""Requests exactly as they are written, and engines that are told only `uri`, `warehouse` and `token`."""

import json
import os
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from pyiceberg.catalog.rest import RestCatalog

from server import Server

# An AWS_* variable of the machine would hide what is not vended.
for variable in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[variable]

FSSPEC = "pyiceberg.io.fsspec.FsspecFileIO"


@dataclass(frozen=True)
class Answer:
    """A response, read to its end. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, type and message of an Iceberg error; fails when the body is no such envelope."""
        envelope = self.json
        assert set(envelope) == {"error"}, envelope
        error = envelope["error"]
        assert error["code"] == self.status, envelope
        return self.status, error["type"], error["message"]


class Wire:
    """A client without opinions: no normalised path, no retry, no header that nobody asked for."""

    def __init__(self, uri: str, token: str | None, prefix: str = "demo") -> None:
        self.uri = uri
        self.token = token
        self.prefix = prefix

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> Answer:
        """`path` goes out as it is. A body that is neither bytes nor None is sent as JSON."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        place = urlsplit(self.uri)
        connection = HTTPConnection(place.hostname or "", place.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers={**sent, **(headers or {})})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def get(self, path: str, **more: Any) -> Answer:
        return self.send("GET", path, **more)

    def head(self, path: str, **more: Any) -> Answer:
        return self.send("HEAD", path, **more)

    def post(self, path: str, body: Any, **more: Any) -> Answer:
        return self.send("POST", path, body=body, **more)

    def delete(self, path: str, **more: Any) -> Answer:
        return self.send("DELETE", path, **more)

    def namespaces(self, *levels: str) -> str:
        """The path of the namespaces, or of one."""
        path = f"/v1/{self.prefix}/namespaces"
        return f"{path}/{encoded(levels)}" if levels else path

    def tables(self, *identifier: str, name: str | None = None) -> str:
        """The path of a namespace's tables, or of the table `name`."""
        path = f"{self.namespaces(*identifier)}/tables"
        return path if name is None else f"{path}/{quote(name, safe='')}"

    def make_namespace(self, *levels: str) -> None:
        answer = self.post(self.namespaces(), {"namespace": list(levels)})
        assert answer.status == 200, answer

    def make_table(self, *levels: str, name: str, **more: Any) -> dict[str, Any]:
        """Creates a table of one column and returns its LoadTableResult."""
        answer = self.post(self.tables(*levels), {"name": name, "schema": SCHEMA, **more})
        assert answer.status == 200, answer
        return answer.json

    def set_properties(self, *levels: str, name: str, **properties: str) -> Answer:
        update = {"action": "set-properties", "updates": properties}
        return self.post(self.tables(*levels, name=name), {"requirements": [], "updates": [update]})


BAD = (400, "BadRequestException")
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "id", "type": "long", "required": False}]}


def bodiless(answer: Answer, status: int) -> bool:
    return (answer.status, answer.body) == (status, b"")


def encoded(levels: tuple[str, ...] | list[str]) -> str:
    """Levels of a namespace as one path segment."""
    return "%1F".join(quote(level, safe="") for level in levels)


def engine(server: Server, io: str | None = None, token: str | None = None, **properties: str) -> RestCatalog:
    """PyIceberg as a stranger uses it. `io` chooses a FileIO; nothing says anything about storage."""
    if io is not None:
        properties["py-io-impl"] = io
    assert not [name for name in properties if name.startswith(("s3.", "client."))]
    return RestCatalog("engine", uri=server.uri, warehouse=server.warehouse, token=token or server.token, **properties)


def fresh(word: str) -> str:
    """A name that no other test uses."""
    return f"{word}_{uuid4().hex[:8]}"
