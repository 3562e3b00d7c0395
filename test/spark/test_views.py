# Views in Spark's SQL: create, replace, show, properties, rename, drop, and names shared with tables
# (Iceberg view specification; Iceberg REST specification, views; Iceberg's Spark documentation, "Views").

from typing import Any

import pytest

from lake import REFUSED, Lake


@pytest.fixture
def towns(lake: Lake) -> None:
    lake.sql("CREATE TABLE t AS SELECT * FROM VALUES (1, 'Oslo'), (2, 'Rome') AS v(id, city)")


def view(lake: Lake, name: str) -> dict[str, Any] | None:
    answer = lake.wire.get(f"{lake.wire.namespaces(lake.space)}/views/{name}")
    assert answer.status in (200, 404), answer
    return answer.json["metadata"] if answer.status == 200 else None


@pytest.mark.usefixtures("towns")
def test_view_from_birth_to_drop(lake: Lake) -> None:
    lake.sql("CREATE VIEW v (n COMMENT 'the key', town) COMMENT 'all' TBLPROPERTIES ('a' = '1') AS SELECT id, city FROM t")
    assert lake.sql("SELECT n, town FROM v ORDER BY n") == [(1, "Oslo"), (2, "Rome")]
    lake.sql("INSERT INTO t VALUES (3, 'Bern')")
    assert lake.column("SELECT max(n) FROM v") == [3]
    assert [name for _, name, _ in lake.sql(f"SHOW VIEWS IN lake.{lake.space}")] == ["v"]
    assert lake.tables() == {"t"}

    lake.sql("CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE id > 1")
    assert lake.sql("SELECT * FROM v ORDER BY id") == [(2,), (3,)]
    metadata = view(lake, "v")
    assert metadata is not None
    assert len(metadata["versions"]) == 2
    (version,) = [each for each in metadata["versions"] if each["version-id"] == metadata["current-version-id"]]
    assert version["default-namespace"] == [lake.space]
    assert version["representations"] == [{"type": "sql", "sql": "SELECT id FROM t WHERE id > 1", "dialect": "spark"}]

    lake.sql("ALTER VIEW v SET TBLPROPERTIES ('b' = '2')")
    assert dict(lake.sql("SHOW TBLPROPERTIES v"))["b"] == "2"
    lake.sql("ALTER VIEW v UNSET TBLPROPERTIES ('b')")
    assert "b" not in dict(lake.sql("SHOW TBLPROPERTIES v"))
    lake.sql(f"ALTER VIEW v RENAME TO {lake.space}.w")
    assert lake.column("SELECT count(*) FROM w") == [2]
    assert "WHERE id > 1" in lake.column("SHOW CREATE TABLE w")[0]
    assert view(lake, "v") is None
    lake.sql("DROP VIEW w")
    lake.sql("DROP VIEW IF EXISTS w")
    assert lake.sql(f"SHOW VIEWS IN lake.{lake.space}") == []
    assert view(lake, "w") is None


@pytest.mark.usefixtures("towns")
def test_tables_and_views_share_their_names(lake: Lake) -> None:
    lake.sql("CREATE VIEW v AS SELECT 1 AS one")
    lake.sql("CREATE VIEW IF NOT EXISTS v AS SELECT 2 AS two")
    assert lake.column("SELECT one FROM v") == [1]
    for statement in (
        "CREATE VIEW v AS SELECT 3 AS three",
        "CREATE VIEW t AS SELECT 3 AS three",
        "CREATE TABLE v (id INT)",
        "DROP TABLE v",
        "DROP VIEW t",
        f"ALTER TABLE t RENAME TO {lake.space}.v",
    ):
        with pytest.raises(REFUSED):
            lake.sql(statement)
    assert lake.column("SELECT one FROM v") == [1]
    assert lake.column("SELECT count(*) FROM t") == [2]


@pytest.mark.usefixtures("towns")
def test_views_of_views(lake: Lake) -> None:
    """What a view names is looked up where the view was made, not where it is used."""
    lake.sql(f"CREATE NAMESPACE lake.{lake.space}.other")
    lake.sql("CREATE VIEW inner AS SELECT * FROM t WHERE city = 'Rome'")
    lake.sql(f"CREATE VIEW lake.{lake.space}.other.outer AS SELECT id FROM lake.{lake.space}.inner")
    lake.sql(f"USE lake.{lake.space}.other")
    assert lake.column(f"SELECT o.id FROM outer o JOIN lake.{lake.space}.inner i ON o.id = i.id") == [2]
    lake.sql(f"DROP VIEW lake.{lake.space}.inner")
    with pytest.raises(REFUSED, match="NOT_FOUND"):
        lake.sql("SELECT * FROM outer")
