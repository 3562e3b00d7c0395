"""Fixtures of the interop tests: the server they talk to, and its log where a test fails."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server import Server


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for name, value in item.funcargs.items():
            if isinstance(value, Server):
                report.sections.append((f"log of {name}", value.log_tail()))
    return report
