"""The yearbook alone, to take away: its tables as CSV and Parquet with their dictionary, sources and licences."""

import tempfile
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from dagster_project.publish.exhibits.reader import ExportError, Reader
from dagster_project.publish.release.exchange import write_exchange
from dagster_project.publish.release.folder import export_tables

TABLES = ("easy.yearbook", "easy.yearbook_wide", "easy.yearbook_concept")
LOADS = "is_current and source in (select source from easy.yearbook)"
METHODS = "formulas.md"  # of indexes and models, not of the yearbook


def yearbook_archive(file: Path, reader: Reader) -> bytes:
    """A zip archive of csv/, parquet/, dictionary.csv, datapackage.json (sources, licences) and the terms of use."""
    query = "select count(*) from duckdb_tables() where schema_name = 'easy' and table_name = 'yearbook'"
    if not reader.con.execute(query).fetchall()[0][0] or not reader.rows("from easy.yearbook limit 1"):
        raise ExportError(f"Release {reader.scope.release} holds no edition of the yearbook: land one and refresh.")
    buffer = BytesIO()
    with tempfile.TemporaryDirectory() as name, ZipFile(buffer, "w") as archive:
        folder = Path(name).resolve()
        write_exchange(file, folder, export_tables(file, folder, TABLES), LOADS)
        (folder / METHODS).unlink()
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            method = ZIP_STORED if path.suffix == ".parquet" else ZIP_DEFLATED
            archive.write(path, path.relative_to(folder).as_posix(), compress_type=method)
    return buffer.getvalue()
