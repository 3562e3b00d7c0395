"""The bucket as the AWS SDK sees it, opened with nothing but a vended credential."""

from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = "lake"


def client(config: dict[str, str]) -> Any:
    """An S3 client from the `config` of a LoadTableResult."""
    return boto3.client(
        "s3",
        endpoint_url=config["s3.endpoint"],
        region_name=config["s3.region"],
        aws_access_key_id=config["s3.access-key-id"],
        aws_secret_access_key=config["s3.secret-access-key"],
        aws_session_token=config["s3.session-token"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def key(uri: str) -> str:
    """`s3://lake/a/b` is the key `a/b`."""
    place = urlsplit(uri)
    assert (place.scheme, place.netloc) == ("s3", BUCKET), uri
    return uri.removeprefix(f"s3://{BUCKET}/")


def keys(s3: Any, prefix: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def refusal(call: Any, **arguments: Any) -> tuple[int, str] | None:
    """Status and code with which S3 refuses a call, or None if it succeeds."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    return None
