# Namespaces and names as PyIceberg uses them: nesting to any depth, pages, and names of 1 to 255 characters of nearly
# any kind on every call (Iceberg REST specification; DESIGN 3).

from collections.abc import Iterator

import pytest
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import (
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchNamespaceError,
    RESTError,
)

from sample import SCHEMA, ids, rows
from server import Server
from wire import Wire, engine, fresh


def test_namespaces_nest(catalog: RestCatalog) -> None:
    top = fresh("top")
    catalog.create_namespace(top, {"owner": "giant", "stays": "yes"})
    catalog.create_namespace((top, "mid"))
    catalog.create_namespace((top, "mid", "leaf"), {"deep": "1"})
    with pytest.raises(NamespaceAlreadyExistsError):
        catalog.create_namespace(top)
    with pytest.raises(RESTError, match="NoSuchNamespaceException"):
        catalog.create_namespace((top, "absent", "leaf"))

    assert (top,) in catalog.list_namespaces()
    assert (top, "mid") not in catalog.list_namespaces()
    assert catalog.list_namespaces(top) == [(top, "mid")]
    assert catalog.list_namespaces((top, "mid")) == [(top, "mid", "leaf")]
    assert catalog.list_namespaces((top, "mid", "leaf")) == []
    with pytest.raises(NoSuchNamespaceError):
        catalog.list_namespaces((top, "absent"))

    assert catalog.load_namespace_properties((top, "mid", "leaf")) == {"deep": "1"}
    summary = catalog.update_namespace_properties(top, {"owner", "never"}, {"new": "☀", "stays": "still"})
    assert summary.removed == ["owner"]
    assert summary.missing == ["never"]
    assert sorted(summary.updated) == ["new", "stays"]
    assert catalog.load_namespace_properties(top) == {"new": "☀", "stays": "still"}

    assert catalog.namespace_exists((top, "mid"))
    with pytest.raises(NamespaceNotEmptyError):
        catalog.drop_namespace(top)
    for levels in [(top, "mid", "leaf"), (top, "mid"), (top,)]:
        catalog.drop_namespace(levels)
        assert not catalog.namespace_exists(levels)
    with pytest.raises(NoSuchNamespaceError):
        catalog.drop_namespace(top)
    with pytest.raises(NoSuchNamespaceError):
        catalog.load_namespace_properties(top)


NAMES = [
    "with space",
    'it\'s "quoted" `so`',
    "a/b\\c",
    "100%",
    "%2F%1F%2e",
    "a+b=c&d?e#f",
    "dots.in.it",
    "...",
    "~tilde*star;semi:colon|<>{}[]^",
    "日本語 ü Ωmega",
    "🦎 pangolin 🏴‍☠️",
    "tables",
    "x" * 255,
    "🦎" * 255,
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:12])
def test_any_name_works_on_every_call(server: Server, name: str) -> None:
    catalog = engine(server)
    space = fresh("names")
    catalog.create_namespace(space)
    here = (space, name)
    catalog.create_namespace(here, {"name": name})
    catalog.create_namespace((*here, name))
    assert catalog.list_namespaces(space) == [here]
    assert catalog.list_namespaces(here) == [(*here, name)]
    assert catalog.load_namespace_properties(here) == {"name": name}
    assert catalog.update_namespace_properties(here, {"name"}, {"k": "v"}).removed == ["name"]
    assert catalog.namespace_exists((*here, name))

    table = catalog.create_table((*here, name), SCHEMA)
    table.append(rows(1))
    assert catalog.table_exists((*here, name))
    assert catalog.list_tables(here) == [(*here, name)]
    assert ids(catalog.load_table((*here, name))) == [1]
    assert catalog.load_credentials((*here, name), table.metadata_location)["s3.access-key-id"]
    catalog.rename_table((*here, name), (*here, name, "moved"))
    moved = catalog.rename_table((*here, name, "moved"), (*here, name))
    catalog.drop_table((*here, name))
    back = catalog.register_table((*here, name), moved.metadata_location)
    assert back.name()[-3:] == (space, name, name)
    catalog.purge_table((*here, name))
    assert catalog.list_tables(here) == []
    catalog.drop_namespace((*here, name))
    catalog.drop_namespace(here)
    assert catalog.list_namespaces(space) == []


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a@b", "nul\u0000", "unit\u001f", "bell\u0007", "tag\U000e0041", "x" * 256]
)
def test_names_that_are_refused(server: Server, name: str) -> None:
    wire = Wire(server.uri, server.token)
    space = fresh("names")
    wire.make_namespace(space)
    refused = [
        wire.post(wire.namespaces(), {"namespace": [name]}),
        wire.post(wire.namespaces(), {"namespace": [space, name]}),
        wire.post(wire.tables(space), {"name": name, "schema": SCHEMA.model_dump(by_alias=True)}),
    ]
    assert [answer.error[:2] for answer in refused] == [(400, "BadRequestException")] * 3


def test_namespaces_of_more_than_one_message(server: Server) -> None:
    """The properties of what is listed together are more than any two parts of a Worker send each other at once."""
    wire = Wire(server.uri, server.token)
    parent = fresh("large")
    wire.make_namespace(parent)
    for number in range(30):
        body = {"namespace": [parent, f"n{number}"], "properties": {"a": "x" * 1_200_000}}
        assert wire.post(wire.namespaces(), body).status == 200
    listed = wire.get(f"{wire.namespaces()}?parent={parent}")
    assert listed.status == 200
    assert len(listed.json["namespaces"]) == 30


@pytest.fixture(scope="module")
def crowd(server: Server) -> Iterator[str]:
    """A namespace of 23 tables and 23 namespaces."""
    wire = Wire(server.uri, server.token)
    name = fresh("crowd")
    wire.make_namespace(name)
    for number in range(23):
        wire.make_namespace(name, f"n{number:02}")
        wire.make_table(name, name=f"t{number:02}")
    yield name


@pytest.mark.parametrize("size", ["1", "7", "23", "1000"])
def test_pages(server: Server, crowd: str, size: str) -> None:
    catalog = engine(server, **{"rest-page-size": size})
    assert catalog.list_tables(crowd) == [(crowd, f"t{number:02}") for number in range(23)]
    assert catalog.list_namespaces(crowd) == [(crowd, f"n{number:02}") for number in range(23)]
