"""A replication pack for a data editor: a folder, packed as zip, that fits the headline regression again by itself.

The README follows the template 1.1 of the Social Science Data Editors.
"""

import json
import re
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from dagster_project.paths import PROJECT
from dagster_project.publish.citation import Cited, citation
from dagster_project.publish.exhibits import exhibit
from dagster_project.publish.exhibits.exhibit import Exhibit, read_rows
from dagster_project.publish.exhibits.reader import SYNTHETIC, ExportError, Reader
from dagster_project.publish.inert import markdown_text, pipe_table
from dagster_project.publish.paper import plain
from dagster_project.publish.release.folder import export_tables
from dagster_project.run.versions import sha256_of

MODEL_TABLES = ("mart_model_data", "mart_model_edge", "mart_panel_coef", "mart_panel_fit")
EXHIBITS = Path(exhibit.__file__).parent
REFITTED = ("T11",)  # tables of which refit.py computes the numbers again
PACKAGES = ("duckdb", "numpy", "pandas", "python-dateutil", "scipy", "six", "tzdata")
SOURCES_SQL = """
select distinct producer, title, data_year, licence, accessed from mart.mart_source_load where is_current order by all
"""
RUN_SQL = """
select seed, python_version, package_json, depth, git_commit, date_diff('minute', started_at, ended_at)
from mart.mart_run_manifest order by started_at desc limit 1
"""


def replication_archive(file: Path, reader: Reader, tables: Mapping[str, Exhibit], cited: Cited) -> bytes:
    """The packed folder. Raises ExportError where a source states no licence or there is no regression to repeat."""
    sources = reader.con.execute(SOURCES_SQL).fetchall()
    without = sorted({f"{row[0]}, {row[1]}" for row in sources if (row[3] or "none stated") == "none stated"})
    if without:
        raise ExportError(
            f"A data editor asks for the rights of every source, and {len(without)} of {reader.scope.release} state no"
            f" licence: {'; '.join(without[:5])}{' ...' if len(without) > 5 else ''}. Ask the producer, put what"
            " applies into `licence` of the sidecar, and refresh."
        )
    if not reader.has(*MODEL_TABLES):
        raise ExportError(f"Release {reader.scope.release} holds no headline regression: there is nothing to repeat.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / f"nqpf-replication-{reader.scope.release}"
        (folder / "tables").mkdir(parents=True)
        data = folder / "data"
        data.mkdir()
        export_tables(file, data, MODEL_TABLES)
        written, lacking = {}, []
        for code, table in tables.items():
            try:
                read_rows(reader, table)
            except ExportError as error:
                lacking.append(str(error))
                continue
            (folder / "tables" / f"{code}.csv").write_bytes(plain.rows_as(file, reader, table.sql, "csv"))
            written[code] = table
        if not written:
            raise ExportError(" ".join(lacking))
        for script in ("run.py", "refit.py", "refit.R"):
            (folder / script).write_bytes((PROJECT / "docs" / "refit" / script).read_bytes())
        (folder / "requirements.txt").write_text(_locked(), encoding="utf-8")
        (folder / "LICENSE-DATA.md").write_bytes((PROJECT / "LICENSE-DATA.md").read_bytes())
        (folder / "README.md").write_text(_readme(folder, reader, sources, written, cited), encoding="utf-8")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        sums = "".join(f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
        (folder / "CHECKSUMS.sha256").write_text(sums, encoding="utf-8")
        packed = BytesIO()
        with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
            for path in [*files, folder / "CHECKSUMS.sha256"]:
                archive.write(path, path.relative_to(folder.parent).as_posix())
        return packed.getvalue()


def _locked() -> str:
    """The packages of the scripts in the versions of the lock file, with their hashes."""
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.finditer(r"^([\w.-]+)==[^\n]*\n(?:[ \t]+--hash[^\n]*\n)+", lock, flags=re.M)
    return "".join(block[0] for block in blocks if block[1] in PACKAGES)


def _line(code: str) -> str:
    """File and line of the query of a table."""
    for file in sorted(EXHIBITS.glob("exhibits_*.yml")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if line == f"{code}:":
                return f"dagster_project/publish/exhibits/{file.name}, line {number}"
    return ""


def _table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    cells = [[markdown_text("" if value is None else str(value)) for value in row] for row in rows]
    return pipe_table(heads, [False] * len(heads), cells)


def _readme(folder: Path, reader: Reader, sources: list[Any], tables: Mapping[str, Exhibit], cited: Cited) -> str:
    seed, python, packages, depth, commit, minutes = reader.con.execute(RUN_SQL).fetchall()[0]
    refit = (folder / "refit.py").read_text(encoding="utf-8").splitlines()
    at = next(k for k, line in enumerate(refit, start=1) if line.startswith("def refit"))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = [(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_of(path)) for path in files]
    programs = [
        (code, table.title, f"refit.py, line {at} (numbers again), {_line(code)}" if code in REFITTED else _line(code),
         f"tables/{code}.csv")
        for code, table in tables.items()
    ]  # fmt: skip
    versions = ", ".join(f"{name} {version}" for name, version in json.loads(packages).items())
    mark = f"**{SYNTHETIC}.**\n\n" if reader.scope.is_synthetic else ""
    return f"""# Replication package: release {reader.scope.release}

{mark}## Overview

`run.py` fits the headline spatial Durbin model from the data in `data/` and compares every coefficient, rho, sigma² and
the log-likelihood with the published ones; `refit.R` does the same in base R. `tables/` holds the rows of the tables.

## Data Availability and Provenance Statements

Statement about rights: the licence of each source is the one that its producer states; the figures in `data/` are
derived from these sources. What is the project's own is under CC BY 4.0 (`LICENSE-DATA.md`).

{_table(("Producer", "Title", "Year", "Licence", "Accessed"), sources)}

### Dataset list

{_table(("File", "Bytes", "SHA-256"), listed)}

## Computational requirements

- Python {python}; the packages in `requirements.txt`, exact versions with hashes. R 4 or newer for `refit.R`.
- Randomness: none in `run.py`. The release itself was drawn with seed {seed}, depth {depth}.
- The release was built with {versions}{f", commit {commit}" if commit else ""}, in {minutes} minutes.

## Description of programs

`run.py` reads `data/parquet`, calls `refit.py`, writes the comparison to the screen, and ends with 1 if a number is not
met to 1e-6 of its size. `refit.R` reads `data/csv`.

## Instructions to replicators

```sh
python -m venv env && env/bin/pip install --require-hashes -r requirements.txt
env/bin/python run.py
Rscript refit.R data/csv
sha256sum -c CHECKSUMS.sha256
```

## List of tables and programs

Lines are those of the NQPF warehouse, method {reader.scope.method_version}.

{_table(("Table", "Title", "Program", "Output"), programs)}

## References

{citation(cited, "text")}
"""
