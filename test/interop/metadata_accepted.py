"""Reads every *.metadata.json of a folder with PyIceberg: python metadata_accepted.py <folder>

Names the files it refuses and exits 1 if there are any. Pairs with test/iceberg/dump-random.ts.
"""

import sys
from pathlib import Path

from pyiceberg.table.metadata import TableMetadataUtil


def refusal(path):
    """Why PyIceberg refuses a file, or None."""
    try:
        metadata = TableMetadataUtil.parse_raw(path.read_text(encoding="utf-8"))
        metadata.schema()
        metadata.spec()
        metadata.sort_order()
        metadata.current_snapshot()
        metadata.spec().partition_type(metadata.schema())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def main():
    paths = sorted(Path(sys.argv[1]).glob("*.metadata.json"))
    refused = {path.name: reason for path in paths if (reason := refusal(path))}
    for name, reason in refused.items():
        print(f"{name}: {reason}")
    print(f"{len(paths) - len(refused)} of {len(paths)} accepted")
    sys.exit(1 if refused or not paths else 0)


main()
