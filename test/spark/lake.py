"""Spark SQL against the catalog, and what the catalog and the bucket say of the same table."""

import os
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyiceberg.table import Table
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

import bucket
from server import Server
from wire import Wire, engine

# What Spark and Iceberg below it throw.
REFUSED = (PySparkException, Py4JJavaError)

HEAP = "2g"
CORES = 2

# Everything that a catalog of Spark is told besides its address and who asks.
USUAL = {
    "type": "rest",
    "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
    "header.X-Iceberg-Access-Delegation": "vended-credentials",
}


class Lake:
    """One namespace of the catalog `lake`, seen from Spark and from outside. Table names are relative to it."""

    def __init__(self, spark: SparkSession, server: Server, space: str) -> None:
        self.spark = spark
        self.server = server
        self.space = space
        self.wire = Wire(server.uri, server.token)

    def attach(self, name: str, **properties: str) -> None:
        """Makes a catalog known to Spark that is told where the server is, `properties`, and nothing about storage."""
        assert not [each for each in properties if each.startswith(("s3.", "client."))]
        told = {**USUAL, "uri": self.server.uri, "warehouse": self.server.warehouse, **properties}
        self.spark.conf.set(f"spark.sql.catalog.{name}", "org.apache.iceberg.spark.SparkCatalog")
        for key, value in told.items():
            self.spark.conf.set(f"spark.sql.catalog.{name}.{key}", value)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement that has run to its end."""
        return [tuple(row) for row in self.spark.sql(statement).collect()]

    def column(self, statement: str) -> list[Any]:
        return [value for (value,) in self.sql(statement)]

    def call(self, procedure: str, **arguments: str) -> dict[str, Any]:
        """The one row that a procedure of Iceberg answers; arguments are SQL."""
        given = ", ".join(f"{name} => {value}" for name, value in arguments.items())
        (row,) = self.spark.sql(f"CALL lake.system.{procedure}({given})").collect()
        return row.asDict()

    def named(self, name: str) -> str:
        """A table as an argument of a procedure."""
        return f"'{self.space}.{name}'"

    def state(self, name: str) -> dict[str, Any]:
        """The LoadTableResult, as the catalog gives it to somebody who has not seen the table before."""
        answer = self.wire.get(self.wire.tables(self.space, name=name))
        assert answer.status == 200, answer
        return answer.json

    def metadata(self, name: str) -> dict[str, Any]:
        return self.state(name)["metadata"]

    def tables(self) -> set[str]:
        return {each["name"] for each in self.wire.get(self.wire.tables(self.space)).json["identifiers"]}

    def in_python(self, name: str) -> Table:
        """The table in PyIceberg."""
        return engine(self.server).load_table((self.space, name))

    def files(self, name: str) -> "Files":
        return Files(self.state(name))


class Files:
    """The objects below a table's location, also after it is dropped."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.s3 = bucket.client(state["config"])
        self.prefix = f"{bucket.key(state['metadata']['location'])}/"

    def keys(self) -> set[str]:
        return set(bucket.keys(self.s3, self.prefix))


def start_spark(folder: Path) -> SparkSession:
    """A Spark in this machine's memory, without a web page and without a catalog."""
    settings = {
        "spark.driver.memory": HEAP,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraClassPath": os.environ["SPARK_TEST_JARS"],
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.shuffle.partitions": CORES,
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master(f"local[{CORES}]").appName("interop")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark
