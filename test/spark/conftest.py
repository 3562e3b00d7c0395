"""Fixtures of the Spark suite: one server, one Spark that is told nothing about storage, a namespace for each test."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from lake import Lake, start_spark
from server import Server
from server_log import pytest_runtest_makereport  # noqa: F401
from wire import fresh


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server") / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Starting Spark takes as long as many tests: all share this one."""
    spark = start_spark(tmp_path_factory.mktemp("spark"))
    yield spark
    spark.stop()


@pytest.fixture
def lake(session: SparkSession, server: Server) -> Lake:
    """SQL with a fresh namespace as the current one; settings of one test are gone with it."""
    own = Lake(session.newSession(), server, fresh("space"))
    own.attach("lake", token=server.token)
    own.sql(f"CREATE NAMESPACE lake.{own.space}")
    own.sql(f"USE lake.{own.space}")
    return own
