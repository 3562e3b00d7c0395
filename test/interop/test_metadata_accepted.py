# Contract: whatever the updates of a commit make of a table, PyIceberg's own model of table metadata reads it.
# Source: the table specification; random commits on fixtures and new tables (ICEBERG_RUNS, ICEBERG_SEED steer them).

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NODE = HERE.parents[1] / "node_modules" / ".bin" / "node"


@pytest.mark.one_store("no catalog takes part")
def test_random_commits_are_read_by_pyiceberg(tmp_path: Path) -> None:
    dump = HERE.parent / "iceberg" / "dump-random.ts"
    node = str(NODE) if NODE.exists() else "node"
    count = os.environ.get("ICEBERG_RUNS", "300")
    subprocess.run([node, str(dump), str(tmp_path), count], check=True)
    assert len(list(tmp_path.glob("*.metadata.json"))) > int(count) // 10
    read = subprocess.run([sys.executable, str(HERE / "metadata_accepted.py"), str(tmp_path)], capture_output=True, text=True)
    assert read.returncode == 0, read.stdout + read.stderr
