"""Fixtures of the interop tests: the server they talk to, and its log where a test fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyiceberg.catalog.rest import RestCatalog

from server import Server
from server_log import pytest_runtest_makereport  # noqa: F401
from wire import FSSPEC, Wire, engine, fresh


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "one_store(reason): cannot depend on the store, so one of them is enough")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One catalog for all tests that do not need their own."""
    running = Server(tmp_path_factory.mktemp("server") / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A catalog of this test alone, to be killed and restarted at will."""
    running = Server(tmp_path / "data")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def wire(server: Server) -> Wire:
    """The administrator of the shared catalog, request by request."""
    return Wire(server.uri, server.token)


@pytest.fixture(scope="module", params=[None, FSSPEC], ids=["pyarrow", "fsspec"])
def catalog(server: Server, request: pytest.FixtureRequest) -> RestCatalog:
    """The shared catalog through PyIceberg, once with each of its FileIOs for S3."""
    return engine(server, request.param)


@pytest.fixture
def space(server: Server) -> str:
    """A namespace of this test alone."""
    name = fresh("space")
    Wire(server.uri, server.token).make_namespace(name)
    return name
