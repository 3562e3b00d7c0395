# A vended credential opens exactly its table, and no more than its holder may do to it: tried with boto3 and the real
# keys of loadTable (security cases 1, 6, 19, 26; DESIGN 2.6 and 2.8).

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
import pytest

import bucket
from bucket import BUCKET, client, key, refusal
from people import Person, Tokens, stopped
from server import Server
from wire import SCHEMA, Wire, fresh

DENIED = {(403, "AccessDenied"), (403, "403")}  # a HEAD has no body to say AccessDenied in


@dataclass(frozen=True)
class Lake:
    """Tables with one data file each, and a client for each from its own credential."""

    wire: Wire
    space: str
    folders: dict[str, str]
    """Table name to key prefix, which ends in `/`."""
    reader: Person

    def config(self, name: str, wire: Wire | None = None) -> dict[str, str]:
        wire = wire or self.wire
        answer = wire.get(wire.tables(self.space, name=name))
        assert answer.status == 200, answer
        return answer.json["config"]

    def s3(self, name: str, wire: Wire | None = None) -> Any:
        return client(self.config(name, wire))

    def file(self, name: str) -> str:
        return f"{self.folders[name]}data/part-0.parquet"


@pytest.fixture(scope="module")
def lake(server: Server) -> Iterator[Lake]:
    wire = Wire(server.uri, server.token)
    space = fresh("lake")
    wire.make_namespace(space)
    places = {
        "a": None,
        "b": None,
        "orders": f"s3://lake/{space}/orders",
        "orders2": f"s3://lake/{space}/orders2",
    }
    folders: dict[str, str] = {}
    for name, location in places.items():
        made = wire.make_table(space, name=name, **({"location": location} if location else {}))
        folders[name] = f"{key(made['metadata']['location'])}/"
        client(made["config"]).put_object(
            Bucket=BUCKET, Key=f"{folders[name]}data/part-0.parquet", Body=b"rows of " + name.encode()
        )
    with stopped(server) as database:
        reader = database.user(fresh("reader"))
        database.grant(reader, database.scope(space, table="a"), "read")
    yield Lake(Wire(server.uri, server.token), space, folders, reader)


def test_same_values_in_config_and_storage_credentials(server: Server, lake: Lake) -> None:
    answer = lake.wire.get(lake.wire.tables(lake.space, name="a")).json
    (credential,) = answer["storage-credentials"]
    assert credential["config"] == answer["config"]
    assert credential["prefix"] == f"s3://lake/{lake.folders['a']}"
    assert set(answer["config"]) == {
        "s3.access-key-id",
        "s3.secret-access-key",
        "s3.session-token",
        "s3.session-token-expires-at-ms",
        "s3.endpoint",
        "s3.region",
        "client.region",
        "s3.path-style-access",
        "client.refresh-credentials-endpoint",
    }
    refresh = answer["config"]["client.refresh-credentials-endpoint"]
    assert f"/{refresh}" == f"{lake.wire.tables(lake.space, name='a')}/credentials"
    assert answer["config"]["s3.endpoint"] == f"{server.uri}/s3"
    (again,) = lake.wire.get(f"{lake.wire.tables(lake.space, name='a')}/credentials").json["storage-credentials"]
    assert again["prefix"] == credential["prefix"]
    assert set(again["config"]) == set(credential["config"])


def test_none_is_vended_to_who_wants_none(lake: Lake) -> None:
    path = lake.wire.tables(lake.space, name="a")
    answer = lake.wire.get(path, headers={"X-Iceberg-Access-Delegation": "none"}).json
    assert (answer["config"], answer["storage-credentials"]) == ({}, [])
    both = lake.wire.get(path, headers={"X-Iceberg-Access-Delegation": "remote-signing, vended-credentials"}).json
    assert len(both["storage-credentials"]) == 1


def test_own_table_is_open(lake: Lake) -> None:
    s3 = lake.s3("a")
    file, folder = lake.file("a"), lake.folders["a"]
    assert s3.get_object(Bucket=BUCKET, Key=file)["Body"].read() == b"rows of a"
    assert s3.head_object(Bucket=BUCKET, Key=file)["ContentLength"] == 9
    assert file in bucket.keys(s3, folder)
    s3.copy_object(Bucket=BUCKET, Key=f"{folder}data/copy", CopySource={"Bucket": BUCKET, "Key": file})
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=f"{folder}data/large")
    part = s3.upload_part(
        Bucket=BUCKET, Key=f"{folder}data/large", UploadId=upload["UploadId"], PartNumber=1, Body=b"x" * 5
    )
    s3.complete_multipart_upload(
        Bucket=BUCKET,
        Key=f"{folder}data/large",
        UploadId=upload["UploadId"],
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    s3.delete_objects(
        Bucket=BUCKET, Delete={"Objects": [{"Key": f"{folder}data/copy"}, {"Key": f"{folder}data/large"}]}
    )
    assert f"{folder}data/copy" not in bucket.keys(s3, folder)


@pytest.mark.parametrize(("holder", "victim"), [("a", "b"), ("orders", "orders2"), ("orders2", "orders")])
def test_nothing_of_another_table(lake: Lake, holder: str, victim: str) -> None:
    s3, file, folder = lake.s3(holder), lake.file(victim), lake.folders[victim]
    own = lake.file(holder)
    before = bucket.keys(lake.s3(victim), folder)
    assert_all_denied(attempts(s3, BUCKET, file, folder))
    assert_all_denied(
        {
            "copy to": lambda: refusal(
                s3.copy_object, Bucket=BUCKET, Key=f"{folder}x", CopySource={"Bucket": BUCKET, "Key": own}
            ),
            "copy from": lambda: refusal(
                s3.copy_object,
                Bucket=BUCKET,
                Key=f"{lake.folders[holder]}stolen",
                CopySource={"Bucket": BUCKET, "Key": file},
            ),
        }
    )
    assert bucket.keys(lake.s3(victim), folder) == before
    assert lake.s3(victim).get_object(Bucket=BUCKET, Key=file)["Body"].read() == b"rows of " + victim.encode()
    assert f"{lake.folders[holder]}stolen" not in bucket.keys(s3, lake.folders[holder])


def test_nothing_of_another_table_among_ones_own(lake: Lake) -> None:
    """DeleteObjects with keys of both: those that are refused say so, and stay."""
    s3 = lake.s3("a")
    mine = f"{lake.folders['a']}data/mine"
    s3.put_object(Bucket=BUCKET, Key=mine, Body=b"x")
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": mine}, {"Key": lake.file("b")}]})
    assert [deleted["Key"] for deleted in answer["Deleted"]] == [mine]
    assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [(lake.file("b"), "AccessDenied")]
    assert lake.file("b") in bucket.keys(lake.s3("b"), lake.folders["b"])


def test_nothing_above_the_table(lake: Lake) -> None:
    s3 = lake.s3("orders")
    above = ["", "/", lake.space, f"{lake.space}/", f"{lake.space}/order", f"{lake.space}/orders"]
    for prefix in above:
        assert refusal(s3.list_objects_v2, Bucket=BUCKET, Prefix=prefix) in DENIED, prefix
        assert refusal(s3.list_objects, Bucket=BUCKET, Prefix=prefix) in DENIED, prefix
    for name in ["x", f"{lake.space}/x", f"{lake.space}/orders", f"{lake.space}/ordersx"]:
        assert_all_denied(attempts(s3, BUCKET, name, name))
    assert refusal(s3.list_buckets) is not None
    assert refusal(s3.delete_bucket, Bucket=BUCKET) is not None
    assert refusal(s3.put_bucket_policy, Bucket=BUCKET, Policy="{}") is not None


def test_no_other_bucket(lake: Lake) -> None:
    s3 = lake.s3("a")
    for other in ["other", "lake2", "lak"]:
        assert_all_denied(attempts(s3, other, lake.file("a"), lake.folders["a"]))


def test_dots_and_encodings_do_not_lead_out(server: Server, lake: Lake) -> None:
    """Paths that a client or a server might resolve; signed as they are, they are refused or lead nowhere."""
    s3 = lake.s3("orders")
    for name in [
        f"{lake.space}/orders/../orders2/data/part-0.parquet",
        f"{lake.space}/orders/%2e%2e/orders2/data/part-0.parquet",
        f"{lake.space}/orders/..%2Forders2/data/part-0.parquet",
        f"{lake.space}/orders//../../orders2/data/part-0.parquet",
        f"{lake.space}\\orders2",
    ]:
        url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": name})
        answer = Wire(server.uri, None).get(url.removeprefix(server.uri))
        assert answer.status in (400, 403, 404), (name, answer)
        assert b"rows of" not in answer.body
        assert refusal(s3.get_object, Bucket=BUCKET, Key=name) is not None, name


def test_reader_reads_and_does_not_write(server: Server, lake: Lake) -> None:
    wire = Wire(server.uri, Tokens(server).of(lake.reader))
    folder, file = lake.folders["a"], lake.file("a")
    for config in [
        lake.config("a", wire),
        wire.get(f"{wire.tables(lake.space, name='a')}/credentials").json["storage-credentials"][0]["config"],
    ]:
        s3 = client(config)
        assert s3.get_object(Bucket=BUCKET, Key=file)["Body"].read() == b"rows of a"
        assert s3.head_object(Bucket=BUCKET, Key=file)["ContentLength"] == 9
        before = bucket.keys(s3, folder)
        assert file in before
        writes = attempts(s3, BUCKET, file, folder)
        for read in ["get", "head", "list", "list v1"]:
            del writes[read]
        writes["copy"] = lambda s3=s3: refusal(
            s3.copy_object, Bucket=BUCKET, Key=f"{folder}copy", CopySource={"Bucket": BUCKET, "Key": file}
        )
        assert_all_denied(writes)
        assert_all_denied(attempts(s3, BUCKET, lake.file("b"), lake.folders["b"]))
        assert bucket.keys(s3, folder) == before


def test_reader_cannot_touch_an_upload_of_a_writer(server: Server, lake: Lake) -> None:
    writer, reader = lake.s3("a"), client(lake.config("a", Wire(server.uri, Tokens(server).of(lake.reader))))
    name = f"{lake.folders['a']}data/upload"
    upload = writer.create_multipart_upload(Bucket=BUCKET, Key=name)["UploadId"]
    there = {"Bucket": BUCKET, "Key": name, "UploadId": upload}
    assert refusal(reader.upload_part, **there, PartNumber=1, Body=b"x") in DENIED
    assert refusal(reader.abort_multipart_upload, **there) in DENIED
    part = writer.upload_part(**there, PartNumber=1, Body=b"y")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    assert refusal(reader.complete_multipart_upload, **there, MultipartUpload=parts) in DENIED
    assert refusal(lake.s3("b").upload_part, **there, PartNumber=1, Body=b"x") in DENIED
    writer.complete_multipart_upload(**there, MultipartUpload=parts)
    assert reader.get_object(Bucket=BUCKET, Key=name)["Body"].read() == b"y"


def test_a_changed_credential_is_refused(lake: Lake) -> None:
    config = lake.config("a")
    header, _, signature = base64.b64decode(config["s3.session-token"]).decode().removeprefix("jwt/").split(".")
    claims = {**claims_of(config), "paths": {"prefixPaths": [""], "objectPaths": []}}
    everything = f"{header}.{encode_part(claims)}.{signature}"
    unsigned = f"{encode_part({'alg': 'none', 'typ': 'JWT'})}.{encode_part(claims)}."
    for token in [everything, unsigned]:
        s3 = client({**config, "s3.session-token": base64.b64encode(f"jwt/{token}".encode()).decode()})
        assert refusal(s3.get_object, Bucket=BUCKET, Key=lake.file("b")) == (400, "InvalidToken")
    other_secret = client({**config, "s3.secret-access-key": "0" * 64})
    assert refusal(other_secret.get_object, Bucket=BUCKET, Key=lake.file("a")) == (403, "SignatureDoesNotMatch")
    other_table = client({**config, "s3.session-token": lake.config("b")["s3.session-token"]})
    assert refusal(other_table.get_object, Bucket=BUCKET, Key=lake.file("b")) == (403, "SignatureDoesNotMatch")
    static = boto3.client(
        "s3",
        endpoint_url=config["s3.endpoint"],
        region_name="auto",
        aws_access_key_id=config["s3.access-key-id"],
        aws_secret_access_key=config["s3.secret-access-key"],
    )
    assert refusal(static.get_object, Bucket=BUCKET, Key=lake.file("a")) is not None


def test_a_bearer_token_opens_no_object(server: Server, lake: Lake) -> None:
    for wire in [lake.wire, Wire(server.uri, None)]:
        for method in ["GET", "PUT", "DELETE", "HEAD"]:
            answer = wire.send(method, f"/s3/{BUCKET}/{lake.file('a')}")
            assert answer.status in (400, 403), (method, answer)
            assert b"rows" not in answer.body


def test_credential_says_only_what_it_must(lake: Lake) -> None:
    claims = claims_of(lake.config("a"))
    assert claims["bucket"] == BUCKET
    assert claims["paths"]["prefixPaths"] == [lake.folders["a"]]
    assert claims["scope"] == "object-read-write"
    assert 15 * 60 <= claims["exp"] - claims["iat"] <= 12 * 3600


@pytest.mark.parametrize("properties", [{"write.data.path": "data"}, {"write.metadata.path": "meta"}])
def test_other_folders_of_a_table_are_open_too(lake: Lake, properties: dict[str, str]) -> None:
    name = fresh("paths")
    elsewhere = f"{lake.space}/elsewhere-{uuid4().hex}"
    values = {property_: f"s3://lake/{elsewhere}" for property_ in properties}
    made = lake.wire.make_table(lake.space, name=name, properties=values)
    s3 = client(made["config"])
    s3.put_object(Bucket=BUCKET, Key=f"{elsewhere}/x", Body=b"x")
    assert f"{elsewhere}/x" in bucket.keys(s3, f"{elsewhere}/")
    assert refusal(s3.put_object, Bucket=BUCKET, Key=f"{elsewhere}x", Body=b"x") in DENIED


LOCATIONS = [
    "s3://other/x",
    "s3://lake",
    "s3://lake/",
    "s3://lake//x",
    "s3://lake/x/../y",
    "s3://lake/./y",
    "s3://lake/x%2fy",
    "s3://lake/x%2e%2e/y",
    "s3://lake/x\u0000",
    "s3://lake/x?y",
    "s3://lake/x#y",
    "s3://lake/x\\y",
    "https://lake/x",
    "file:///etc/passwd",
    "/etc/passwd",
    "",
    "s3://" + "a" * 2000,
    "s3://lake/" + "a" * 2000,
    "{a}",
    "{a}/inside",
    "s3://lake/{space}",
]


@pytest.mark.parametrize("location", LOCATIONS, ids=lambda location: location[:24])
@pytest.mark.parametrize("field", ["location", "write.data.path", "write.metadata.path"])
@pytest.mark.parametrize("stage", [False, True], ids=["create", "stage"])
def test_no_credential_for_a_place_that_is_not_the_tables(lake: Lake, location: str, field: str, stage: bool) -> None:
    """Security cases 1 and 4: refused before anything is signed. `{a}` is the location of another table."""
    location = location.format(a=f"s3://lake/{lake.folders['a']}".rstrip("/"), space=lake.space)
    where = {"location": location} if field == "location" else {"properties": {field: location}}
    answer = lake.wire.post(
        lake.wire.tables(lake.space), {"name": fresh("bad"), "schema": SCHEMA, "stage-create": stage, **where}
    )
    assert answer.error[:2] == (400, "BadRequestException"), answer
    assert b"s3.secret-access-key" not in answer.body


@pytest.mark.parametrize("location", LOCATIONS, ids=lambda location: location[:24])
def test_no_commit_moves_a_table_out(lake: Lake, location: str) -> None:
    location = location.format(a=f"s3://lake/{lake.folders['a']}".rstrip("/"), space=lake.space)
    path = lake.wire.tables(lake.space, name="b")
    before = lake.wire.get(path).json["metadata-location"]
    for update in [
        {"action": "set-location", "location": location},
        {"action": "set-properties", "updates": {"write.metadata.path": location}},
        {"action": "set-properties", "updates": {"write.data.path": location}},
    ]:
        answer = lake.wire.post(path, {"requirements": [], "updates": [update]})
        assert answer.error[:2] == (400, "BadRequestException"), (update, answer)
    assert lake.wire.get(path).json["metadata-location"] == before


def attempts(s3: Any, where: str, name: str, folder: str) -> dict[str, Callable[[], Any]]:
    """Everything one might do to the object `name`, and to what lies below `folder`."""
    there = {"Bucket": where, "Key": name}
    upload = {**there, "UploadId": "x"}
    return {
        "get": lambda: refusal(s3.get_object, **there),
        "head": lambda: refusal(s3.head_object, **there),
        "list": lambda: refusal(s3.list_objects_v2, Bucket=where, Prefix=folder),
        "list v1": lambda: refusal(s3.list_objects, Bucket=where, Prefix=folder),
        "put": lambda: refusal(s3.put_object, **there, Body=b"defaced"),
        "put new": lambda: refusal(s3.put_object, Bucket=where, Key=f"{folder}new", Body=b"x"),
        "delete": lambda: refusal(s3.delete_object, **there),
        "delete several": lambda: refusal(s3.delete_objects, Bucket=where, Delete={"Objects": [{"Key": name}]}),
        "start upload": lambda: refusal(s3.create_multipart_upload, **there),
        "upload part": lambda: refusal(s3.upload_part, **upload, PartNumber=1, Body=b"x"),
        "complete upload": lambda: refusal(
            s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]}
        ),
        "abort upload": lambda: refusal(s3.abort_multipart_upload, **upload),
    }


def assert_all_denied(tried: dict[str, Callable[[], Any]]) -> None:
    assert {name: outcome for name, act in tried.items() if (outcome := act()) not in DENIED} == {}


def claims_of(config: dict[str, str]) -> dict[str, Any]:
    token = base64.b64decode(config["s3.session-token"]).decode().removeprefix("jwt/")
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def encode_part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
