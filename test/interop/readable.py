"""Whether everything that a table names is there."""

from pyiceberg.table import Table


def missing_files(table: Table) -> list[str]:
    """The metadata files, manifest lists, manifests and data files that a table names and nobody can read."""
    io = table.io
    missing: list[str] = []
    files: set[str] = {entry.metadata_file for entry in table.metadata.metadata_log}
    files.add(table.metadata_location)
    for snapshot in table.metadata.snapshots:
        try:
            manifests = snapshot.manifests(io)
        except (FileNotFoundError, OSError):
            missing.append(snapshot.manifest_list)
            continue
        for manifest in manifests:
            if manifest.manifest_path in files:
                continue
            files.add(manifest.manifest_path)
            try:
                files.update(entry.data_file.file_path for entry in manifest.fetch_manifest_entry(io))
            except (FileNotFoundError, OSError):
                missing.append(manifest.manifest_path)
    return missing + [path for path in files if not io.new_input(path).exists()]
