# Requests under an Idempotency-Key over real HTTP: done once, answered alike, also when they meet
# (Iceberg REST specification, Idempotency-Key; Java's client from 1.11 on sends one with whatever it changes).

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from wire import SCHEMA, Answer, Wire, fresh


def keyed() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


def commit(value: str) -> dict[str, Any]:
    return {"requirements": [], "updates": [{"action": "set-properties", "updates": {"k": value}}]}


def test_java_that_never_heard_the_answer(wire: Wire, space: str) -> None:
    """It sends the same request with the same key, and is told the same metadata location."""
    assert wire.get("/v1/config?warehouse=demo").json["idempotency-key-lifetime"] == "PT30M"
    wire.post(wire.tables(space), {"name": "t", "schema": SCHEMA})
    path, key = wire.tables(space, name="t"), keyed()
    first = wire.post(path, commit("1"), headers=key)
    wire.post(path, commit("2"))
    again = wire.post(path, commit("1"), headers=key)
    assert (first.status, again.status) == (200, 200)
    assert again.body == first.body
    assert wire.get(path).json["metadata"]["properties"]["k"] == "2"


def test_a_refusal_stays_one(wire: Wire) -> None:
    name, key = fresh("taken"), keyed()
    wire.post(wire.namespaces(), {"namespace": [name]})
    refused = wire.post(wire.namespaces(), {"namespace": [name]}, headers=key)
    assert refused.error == (409, "AlreadyExistsException", f"Namespace already exists: {name}")
    assert wire.delete(wire.namespaces(name)).status == 204
    assert wire.post(wire.namespaces(), {"namespace": [name]}, headers=key).error == refused.error


def test_a_key_used_for_something_else(wire: Wire, space: str) -> None:
    key = keyed()
    assert wire.post(wire.tables(space), {"name": "t", "schema": SCHEMA}, headers=key).status == 200
    other = wire.post(wire.tables(space), {"name": "u", "schema": SCHEMA}, headers=key)
    assert other.error[:2] == (422, "UnprocessableEntityException")
    assert wire.head(wire.tables(space, name="u")).status == 404
    assert wire.post(wire.tables(space), {"name": "u"}, headers={"Idempotency-Key": "1"}).status == 400


def test_fifty_at_once(wire: Wire, space: str) -> None:
    """One table, and fifty who are told of it."""
    key, body = keyed(), {"name": "t", "schema": SCHEMA}

    def create(_: int) -> Answer:
        return wire.post(wire.tables(space), body, headers=key)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(create, range(50)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["metadata-location"] for answer in answers}) == 1
    assert len({answer.json["metadata"]["table-uuid"] for answer in answers}) == 1


def test_sixteen_at_once_through_the_lane(wire: Wire, space: str) -> None:
    wire.post(wire.tables(space), {"name": "t", "schema": SCHEMA})
    path, key = wire.tables(space, name="t"), keyed()

    def write(_: int) -> Answer:
        return wire.post(path, commit("1"), headers=key)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(write, range(16)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
