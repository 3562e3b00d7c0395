# A client that gets no credential has each request signed: PyIceberg's own signer does a table's life with it, and boto3
# behind that signer gets out of the table nowhere (REST specification, signRequest; security cases 1, 6, 11, 19, 26, 39).

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from pyiceberg.exceptions import SignError
from pyiceberg.io.fsspec import S3V4RestSigner
from pyiceberg.utils.concurrent import ExecutorFactory

import sample
from bucket import BUCKET, key
from people import Tokens, stopped
from server import Server
from wire import Answer, Wire, engine, fresh

ASKED = {"X-Iceberg-Access-Delegation": "remote-signing"}
SECRETS = ("s3.access-key-id", "s3.secret-access-key", "s3.session-token")


@dataclass(frozen=True)
class Lake:
    wire: Wire
    reader: Wire
    stranger: Wire
    space: str
    folders: dict[str, str]
    """Table name to key prefix, which ends in `/`."""

    def path(self, name: str) -> str:
        return f"{self.wire.tables(self.space, name=name)}/sign"

    def config(self, name: str) -> dict[str, str]:
        answer = self.wire.get(self.wire.tables(self.space, name=name), headers=ASKED)
        assert answer.status == 200, answer
        return answer.json["config"]

    def file(self, name: str) -> str:
        return f"{self.folders[name]}data/part-0.parquet"

    def s3(self, name: str, wire: Wire | None = None) -> Any:
        """boto3 that signs nothing itself, behind PyIceberg's signer."""
        return signed_client((wire or self.wire), self.config(name))

    def sign(self, name: str, method: str, path: str, wire: Wire | None = None, **more: Any) -> Answer:
        """Asks for a signature of `path`, which begins with the bucket's name."""
        asked = {"method": method, "uri": f"{self.wire.uri}/s3/{path}", "region": "auto", "headers": {}, **more}
        return (wire or self.wire).post(self.path(name), asked)


def signed_client(wire: Wire, config: dict[str, str]) -> Any:
    s3 = boto3.client(
        "s3",
        endpoint_url=config["s3.endpoint"],
        region_name=config["s3.region"],
        config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    signer = S3V4RestSigner({"uri": wire.uri, "token": wire.token or "", **config})
    s3.meta.events.register_last("before-sign.s3", lambda request, **_: signer(request))
    return s3


@pytest.fixture(scope="module")
def lake(server: Server) -> Iterator[Lake]:
    wire = Wire(server.uri, server.token)
    space = fresh("signed")
    wire.make_namespace(space)
    folders = {}
    for name in ("a", "b"):
        made = wire.make_table(space, name=name)
        folders[name] = f"{key(made['metadata']['location'])}/"
    with stopped(server) as database:
        reader = database.user(fresh("reader"))
        database.grant(reader, database.scope(space, table="a"), "read")
        stranger = database.user(fresh("stranger"), tenant=database.tenant(fresh("other"), "demo", "theirs/"))
        database.grant(stranger, {"type": "tenant"}, "all")
    tokens = Tokens(server)
    lake = Lake(
        Wire(server.uri, server.token),
        Wire(server.uri, tokens.of(reader)),
        Wire(server.uri, tokens.of(stranger)),
        space,
        folders,
    )
    for name in folders:
        lake.s3(name).put_object(Bucket=BUCKET, Key=lake.file(name), Body=b"rows of " + name.encode())
    yield lake


def test_signing_is_offered_to_who_takes_nothing_else(lake: Lake) -> None:
    answer = lake.wire.get(lake.wire.tables(lake.space, name="a"), headers=ASKED).json
    assert answer["storage-credentials"] == []
    config = answer["config"]
    assert config["s3.remote-signing-enabled"] == "true"
    assert not [name for name in SECRETS if name in config]
    endpoint = f"v1/demo/namespaces/{lake.space}/tables/a/sign"
    assert (config["signer.endpoint"], config["s3.signer.endpoint"]) == (endpoint, endpoint)
    for asked in ({}, {"X-Iceberg-Access-Delegation": "remote-signing, vended-credentials"}):
        both = lake.wire.get(lake.wire.tables(lake.space, name="a"), headers=asked).json
        assert set(SECRETS) < set(both["config"])
        assert "s3.remote-signing-enabled" not in both["config"]


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyIceberg's threads share a file system, and each takes the signer out of it for a moment to put in its own."""
    monkeypatch.setenv("PYICEBERG_MAX_WORKERS", "1")
    monkeypatch.setattr(ExecutorFactory, "_instance", None)


@pytest.mark.usefixtures("one_thread")
def test_a_life_of_a_table_with_pyiceberg(server: Server, space: str) -> None:
    catalog = engine(server, **{"header.X-Iceberg-Access-Delegation": "remote-signing"})
    table = catalog.create_table((space, "a b+c"), schema=sample.SCHEMA, partition_spec=sample.SPEC)
    assert not [name for name in SECRETS if name in table.io.properties]
    table.append(sample.rows(1, 2, 3, city="a/b c%?=+é"))
    table.append(sample.rows(4, 5))
    table.delete("id == 2")
    table.overwrite(sample.rows(6), "id == 3")
    again = catalog.load_table((space, "a b+c"))
    assert sample.ids(again) == [1, 4, 5, 6]
    assert again.inspect.files().num_rows > 0
    catalog.purge_table((space, "a b+c"))


@pytest.mark.usefixtures("one_thread")
def test_a_table_created_with_its_first_rows(server: Server, space: str) -> None:
    """Its files are written while the catalog knows nothing of it yet."""
    catalog = engine(server, **{"header.X-Iceberg-Access-Delegation": "remote-signing"})
    with catalog.create_table_transaction((space, "staged t"), schema=sample.SCHEMA) as transaction:
        transaction.append(sample.rows(1, 2))
    assert sample.ids(catalog.load_table((space, "staged t"))) == [1, 2]


def test_own_table_is_open(lake: Lake) -> None:
    s3, file, folder = lake.s3("a"), lake.file("a"), lake.folders["a"]
    assert s3.get_object(Bucket=BUCKET, Key=file)["Body"].read() == b"rows of a"
    assert s3.get_object(Bucket=BUCKET, Key=file, Range="bytes=8-8")["Body"].read() == b"a"
    assert s3.head_object(Bucket=BUCKET, Key=file)["ContentLength"] == 9
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{folder}data/")["Contents"]] == [file]
    s3.copy_object(Bucket=BUCKET, Key=f"{folder}data/copy", CopySource={"Bucket": BUCKET, "Key": file})
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=f"{folder}data/large")
    part = {"Bucket": BUCKET, "Key": f"{folder}data/large", "UploadId": upload["UploadId"]}
    etag = s3.upload_part(**part, PartNumber=1, Body=b"x" * 5)["ETag"]
    s3.complete_multipart_upload(**part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    for name in ("copy", "large"):
        s3.delete_object(Bucket=BUCKET, Key=f"{folder}data/{name}")
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{folder}data/")["Contents"]] == [file]


def test_a_signature_is_for_one_request(lake: Lake) -> None:
    file = lake.file("a")
    answer = lake.sign("a", "GET", f"{BUCKET}/{file}")
    assert (answer.status, answer.headers["cache-control"]) == (200, "private")
    sent = {name: ", ".join(values) for name, values in answer.json["headers"].items()}
    path = answer.json["uri"].removeprefix(lake.wire.uri)
    anonymous = Wire(lake.wire.uri, None)
    assert anonymous.get(path, headers=sent).body == b"rows of a"
    assert anonymous.get(path, headers={**sent, "Range": "bytes=0-3"}).body == b"rows"
    for attempt in (
        anonymous.get(path.replace(lake.folders["a"], lake.folders["b"]), headers=sent),
        anonymous.delete(path, headers=sent),
        anonymous.get(f"{path}?uploads", headers=sent),
        anonymous.get(path, headers={**sent, "x-amz-checksum-mode": "ENABLED"}),
    ):
        assert attempt.status == 403, attempt
    put = lake.sign("a", "PUT", f"{BUCKET}/{file}", headers={"x-amz-content-sha256": [hashlib.sha256(b"new").hexdigest()]})
    assert (put.status, put.headers["cache-control"]) == (200, "no-cache")
    sent = {name: ", ".join(values) for name, values in put.json["headers"].items()}
    assert anonymous.send("PUT", path, body=b"old", headers=sent).status == 400
    assert anonymous.get(path.removesuffix("part-0.parquet"), headers=sent).status == 403


def escapes(s3: Any, lake: Lake) -> dict[str, Callable[[], Any]]:
    mine, theirs = lake.folders["a"], lake.file("b")
    foreign = lake.folders["b"]
    inside = f"{mine}data/x"
    return {
        "get": lambda: s3.get_object(Bucket=BUCKET, Key=theirs),
        "head": lambda: s3.head_object(Bucket=BUCKET, Key=theirs),
        "put": lambda: s3.put_object(Bucket=BUCKET, Key=theirs, Body=b"x"),
        "delete": lambda: s3.delete_object(Bucket=BUCKET, Key=theirs),
        "multipart": lambda: s3.create_multipart_upload(Bucket=BUCKET, Key=theirs),
        "copy from": lambda: s3.copy_object(Bucket=BUCKET, Key=inside, CopySource={"Bucket": BUCKET, "Key": theirs}),
        "copy to": lambda: s3.copy_object(Bucket=BUCKET, Key=theirs, CopySource={"Bucket": BUCKET, "Key": lake.file("a")}),
        "copy from bucket": lambda: s3.copy_object(Bucket=BUCKET, Key=inside, CopySource={"Bucket": "x", "Key": inside}),
        "sibling": lambda: s3.get_object(Bucket=BUCKET, Key=f"{mine[:-1]}2/x"),
        "list sibling": lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix=mine[:-1]),
        "list": lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix=foreign),
        "list all": lambda: s3.list_objects_v2(Bucket=BUCKET),
        "list all the old way": lambda: s3.list_objects(Bucket=BUCKET),
        "another bucket": lambda: s3.get_object(Bucket="other", Key=inside),
        "buckets": lambda: s3.list_buckets(),
        "uploads": lambda: s3.list_multipart_uploads(Bucket=BUCKET, Prefix=mine),
        "acl": lambda: s3.get_object_acl(Bucket=BUCKET, Key=lake.file("a")),
        "put acl": lambda: s3.put_object_acl(Bucket=BUCKET, Key=lake.file("a"), ACL="public-read"),
        "put with acl": lambda: s3.put_object(Bucket=BUCKET, Key=inside, ACL="public-read"),
        "tagging": lambda: s3.get_object_tagging(Bucket=BUCKET, Key=lake.file("a")),
        "policy": lambda: s3.get_bucket_policy(Bucket=BUCKET),
        "version": lambda: s3.get_object(Bucket=BUCKET, Key=lake.file("a"), VersionId="1"),
        "dots": lambda: s3.get_object(Bucket=BUCKET, Key=f"{mine}../{theirs}"),
        "delete without a body to check": lambda: s3.delete_objects(
            Bucket=BUCKET, Delete={"Objects": [{"Key": lake.file("a")}]}
        ),
    }


def test_nothing_else_is_signed(lake: Lake) -> None:
    for name, attempt in escapes(lake.s3("a"), lake).items():
        with pytest.raises(SignError, match=r"Failed to sign request 40[03]"):
            attempt()
            pytest.fail(f"{name} was signed")
    assert lake.s3("b").get_object(Bucket=BUCKET, Key=lake.file("b"))["Body"].read() == b"rows of b"


@pytest.mark.parametrize("step", ["..", "%2e%2e", "%2E.", "%252e%252e", "..%2f", "%5c..%5c", ".%00", "", "."])
def test_no_path_leads_out(lake: Lake, step: str) -> None:
    mine, theirs = lake.folders["a"], lake.file("b")
    answer = lake.sign("a", "GET", f"{BUCKET}/{mine}{step}/{theirs}")
    assert answer.error[0] in {400, 403}, answer


def test_deletes_what_was_checked_and_nothing_else(lake: Lake) -> None:
    s3, folder = lake.s3("a"), lake.folders["a"]
    doomed = f"{folder}data/a & b"
    s3.put_object(Bucket=BUCKET, Key=doomed, Body=b"x")
    good, bad = delete(doomed), delete(doomed, lake.file("b"))
    refused = lake.sign("a", "POST", f"{BUCKET}?delete", body=bad)
    assert refused.error[:2] == (403, "ForbiddenException")
    assert lake.sign("a", "POST", f"{BUCKET}?delete", body="<Delete>").error[0] == 400
    answer = lake.sign("a", "POST", f"{BUCKET}?delete", body=good)
    sent = {name: ", ".join(values) for name, values in answer.json["headers"].items()}
    anonymous = Wire(lake.wire.uri, None)
    path = answer.json["uri"].removeprefix(lake.wire.uri)
    assert anonymous.post(path, bad.encode(), headers=sent).status == 400
    assert anonymous.post(path, good.encode(), headers=sent).status == 200
    assert lake.s3("b").head_object(Bucket=BUCKET, Key=lake.file("b"))["ContentLength"] == 9
    assert not s3.list_objects_v2(Bucket=BUCKET, Prefix=doomed).get("Contents")


def delete(*keys: str) -> str:
    return f"<Delete>{''.join(f'<Object><Key>{escape(each)}</Key></Object>' for each in keys)}</Delete>"


def test_a_reader_reads(lake: Lake) -> None:
    s3, file = lake.s3("a", lake.reader), lake.file("a")
    assert s3.get_object(Bucket=BUCKET, Key=file)["Body"].read() == b"rows of a"
    for attempt in (
        lambda: s3.put_object(Bucket=BUCKET, Key=file, Body=b"x"),
        lambda: s3.delete_object(Bucket=BUCKET, Key=file),
        lambda: s3.create_multipart_upload(Bucket=BUCKET, Key=file),
    ):
        with pytest.raises(SignError, match="Failed to sign request 403"):
            attempt()
    body = delete(file)
    refused = lake.sign("a", "POST", f"{BUCKET}?delete", wire=lake.reader, body=body)
    assert refused.error[:2] == (403, "ForbiddenException")
    hidden = lake.sign("b", "GET", f"{BUCKET}/{lake.file('b')}", wire=lake.reader)
    assert hidden.error[:2] == (404, "NoSuchTableException")


def test_another_tenant_finds_nothing(lake: Lake) -> None:
    answer = lake.sign("a", "GET", f"{BUCKET}/{lake.file('a')}", wire=lake.stranger)
    assert answer.error[:2] == (404, "NoSuchTableException")
    lake.stranger.make_namespace(lake.space)
    lake.stranger.make_table(lake.space, name="a")
    answer = lake.sign("a", "GET", f"{BUCKET}/{lake.file('a')}", wire=lake.stranger)
    assert answer.error[:2] == (403, "ForbiddenException")


def test_no_answer_tells_the_key(server: Server, lake: Lake) -> None:
    secret = json.loads((server.data / "secrets.json").read_text())
    secrets = [value for name, value in strings(secret) if "secret" in name.lower() or "password" in name.lower()]
    answers = [lake.sign("a", "GET", f"{BUCKET}/{lake.file(name)}").body.decode() for name in ("a", "b")]
    texts = [*answers, json.dumps(lake.config("a")), server.log.read_text(errors="replace")]
    assert secrets
    assert not [text[:200] for text in texts if any(each in text for each in secrets)]


def strings(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for child, inner in value.items():
            yield from strings(inner, child)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, name)
    elif isinstance(value, str):
        yield name, value
