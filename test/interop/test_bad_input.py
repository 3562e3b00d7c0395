# What no client should send: each gets its exact 4xx in the Iceberg envelope, changes nothing and leaves no file
# (Iceberg REST specification, ErrorModel; security case 38).

import json
from typing import Any

import pytest

import bucket
from wire import BAD, Wire


def deep(levels: int) -> bytes:
    return b'{"name":' + b"[" * levels + b"]" * levels + b"}"


def creation(fields: Any = (), **more: Any) -> bytes:
    return json.dumps({"name": "a", "schema": {"type": "struct", "fields": list(fields)}, **more}).encode()


COLUMN = {"id": 1, "name": "x", "required": False, "type": "int"}
# Of one metrics report, and of what only names something; other bodies may be as long as metadata.
BODY_BYTES_MAX = {"/metrics": 32 * 1024, "/register": 128 * 1024, "/rename": 128 * 1024}

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
    "no schema": b'{"name": "a"}',
    "schema of a wrong type": b'{"name": "a", "schema": {"type": "list"}}',
    "properties that are no strings": creation(properties={"a": 1}),
    "format version 0": creation(properties={"format-version": "0"}),
    "format version 99": creation(properties={"format-version": "99"}),
    "unknown type": creation(fields=[{**COLUMN, "type": "ulong"}]),
    "two columns of a name": creation(fields=[COLUMN, {**COLUMN, "id": 2}]),
    "a column without a name": creation(fields=[{"id": 1, "type": "int"}]),
    "huge id": creation(fields=[COLUMN]).replace(b'"id": 1', b'"id": 1e400'),
}


@pytest.mark.one_store("refused by its form")
@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_bodies(wire: Wire, space: str, case: str) -> None:
    answer = wire.post(wire.tables(space), MALFORMED[case])
    assert answer.error[:2] == BAD, answer
    assert wire.get(wire.tables(space)).json["identifiers"] == []


@pytest.mark.one_store("refused by its form")
@pytest.mark.parametrize(
    "case", ["nothing", "no JSON", "a list", "null", "not UTF-8", "2,000 levels", "200,000 levels"]
)
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
        refused = wire.post(where, MALFORMED[case]).error[:2]
        longest = next((most for end, most in BODY_BYTES_MAX.items() if where.endswith(end)), None)
        is_long = longest is not None and len(MALFORMED[case] or b"") > longest
        assert refused == ((413, "RequestTooLargeException") if is_long else BAD), where
    assert wire.get(path).json["metadata-location"] == before


@pytest.mark.one_store("refused by its form")
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
    snapshot = {
        "snapshot-id": 1,
        "timestamp-ms": 1,
        "sequence-number": 1,
        "summary": {"operation": "append"},
        "schema-id": 0,
    }
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
                {
                    "action": "set-statistics",
                    "statistics": {"snapshot-id": 1, "statistics-path": "s3://other/x.puffin"},
                },
            ]
        ),
    ]
    for body in bad:
        assert wire.post(path, body).error[:2] == BAD, body
    assert wire.get(path).json["metadata-location"] == before


@pytest.mark.one_store("refused by the size that the bucket tells")
def test_a_file_of_200_megabytes_to_register(wire: Wire, space: str) -> None:
    """Refused by its size, before any of it is read; the server goes on."""
    table = wire.make_table(space, name="t")
    folder = table["metadata"]["location"]
    location = f"{folder}/metadata/00009-huge.metadata.json"
    piece = b" " * (8 * 1024 * 1024)
    s3 = bucket.client(table["config"])
    upload = {"Bucket": bucket.BUCKET, "Key": bucket.key(location)}
    number = s3.create_multipart_upload(**upload)["UploadId"]
    parts = [
        {"PartNumber": part, "ETag": s3.upload_part(**upload, UploadId=number, PartNumber=part, Body=piece)["ETag"]}
        for part in range(1, 26)
    ]
    s3.complete_multipart_upload(**upload, UploadId=number, MultipartUpload={"Parts": parts})
    before = wire.get(wire.tables(space)).json
    for route in ("register", "register-view"):
        answer = wire.post(f"{wire.namespaces(space)}/{route}", {"name": "huge", "metadata-location": location})
        assert answer.error[:2] == (413, "RequestTooLargeException"), answer
    assert wire.get(wire.tables(space)).json == before
    s3.delete_object(**upload)
