# Exact wire behaviour of every route of a table: statuses, error types and messages, and what the answers hold
# (Iceberg REST specification; messages as the reference implementation's own tests assert them).

import re
from typing import Any

from wire import BAD, SCHEMA, UUID, Answer, Wire, bodiless, fresh


def test_create(wire: Wire, space: str) -> None:
    schema = {
        "type": "struct",
        "schema-id": 7,
        "identifier-field-ids": [30],
        "fields": [
            {
                "id": 20,
                "name": "s",
                "required": False,
                "type": {"type": "struct", "fields": [{"id": 21, "name": "x", "required": False, "type": "int"}]},
            },
            {"id": 30, "name": "id", "required": True, "type": "long"},
        ],
    }
    answer = wire.post(
        wire.tables(space),
        {
            "name": "t",
            "schema": schema,
            "partition-spec": {
                "spec-id": 5,
                "fields": [{"source-id": 30, "field-id": 7, "name": "b", "transform": "bucket[4]"}],
            },
            "write-order": {
                "order-id": 9,
                "fields": [{"source-id": 30, "transform": "identity", "direction": "asc", "null-order": "nulls-first"}],
            },
            "properties": {
                "format-version": "2",
                "uuid": "x",
                "snapshot-count": "9",
                "current-schema": "y",
                "owner": "me",
            },
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
            "type": "struct",
            "schema-id": 0,
            "identifier-field-ids": [2],
            "fields": [
                {
                    "id": 1,
                    "name": "s",
                    "required": False,
                    "type": {"type": "struct", "fields": [{"id": 3, "name": "x", "required": False, "type": "int"}]},
                },
                {"id": 2, "name": "id", "required": True, "type": "long"},
            ],
        }
    ]
    assert metadata["last-column-id"] == 3
    assert metadata["partition-specs"] == [
        {"spec-id": 0, "fields": [{"source-id": 2, "field-id": 1000, "name": "b", "transform": "bucket[4]"}]}
    ]
    assert [order["order-id"] for order in metadata["sort-orders"]] == [1]
    assert (metadata["default-sort-order-id"], metadata["default-spec-id"], metadata["last-partition-id"]) == (
        1,
        0,
        1000,
    )
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
    assert wire.get(wire.tables("absent")).error == (
        404,
        "NoSuchNamespaceException",
        "Namespace does not exist: absent",
    )


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
        (
            {"type": "assert-table-uuid", "uuid": "0" * 8 + made["table-uuid"][8:]},
            "Requirement failed: UUID does not match",
        ),
        (
            {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot_id": 2**62 + 1},
            "Requirement failed: branch or tag main is missing",
        ),
        (
            {"type": "assert-last-assigned-field-id", "last_assigned_field_id": 9},
            "Requirement failed: last assigned field id changed",
        ),
        ({"type": "assert-current-schema-id", "current_schema_id": 9}, "Requirement failed: current schema changed"),
        (
            {"type": "assert-last-assigned-partition-id", "last_assigned_partition_id": 9},
            "Requirement failed: last assigned partition id changed",
        ),
        (
            {"type": "assert-default-spec-id", "default_spec_id": 9},
            "Requirement failed: default partition spec changed",
        ),
        (
            {"type": "assert-default-sort-order-id", "default_sort_order_id": 9},
            "Requirement failed: default sort order changed",
        ),
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
        409,
        "AlreadyExistsException",
        f"Table already exists: {space}.t",
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
