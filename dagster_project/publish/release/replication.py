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

import jinja2

from dagster_project.files import sha256_of
from dagster_project.paths import PROJECT
from dagster_project.publish.citation import Cited, citation
from dagster_project.publish.exhibits import exhibit
from dagster_project.publish.exhibits.exhibit import Exhibit, read_rows
from dagster_project.publish.exhibits.reader import SYNTHETIC, ExportError, Reader
from dagster_project.publish.inert import markdown_text, pipe_table
from dagster_project.publish.paper import plain
from dagster_project.publish.release.folder import export_tables
from dagster_project.published import statements

MODEL_TABLES = ("mart_model_data", "mart_model_edge", "mart_panel_coef", "mart_panel_fit")
EXHIBITS = Path(exhibit.__file__).parent
REFITTED = ("T11",)  # tables of which refit.py computes the numbers again
PACKAGES = ("duckdb", "numpy", "pandas", "python-dateutil", "scipy", "six", "tzdata")
SQL = statements(__file__)
README = jinja2.Template(
    Path(__file__).with_name("replication.md.j2").read_text(encoding="utf-8"),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
)


def replication_archive(file: Path, reader: Reader, tables: Mapping[str, Exhibit], source: Cited) -> bytes:
    """The packed folder. Raises ExportError where a source states no licence or there is no regression to repeat."""
    sources = reader.con.execute(SQL["sources"]).fetchall()
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
        content, lacking = {}, []
        for code, table in tables.items():
            try:
                read_rows(reader, table)
            except ExportError as error:
                lacking.append(str(error))
                continue
            (folder / "tables" / f"{code}.csv").write_bytes(plain.rows_as(file, reader, table.sql, "csv"))
            content[code] = table
        if not content:
            raise ExportError(" ".join(lacking))
        for script in ("run.py", "refit.py", "refit.R"):
            (folder / script).write_bytes((PROJECT / "docs" / "refit" / script).read_bytes())
        (folder / "requirements.txt").write_text(_locked(), encoding="utf-8")
        (folder / "LICENSE-DATA.md").write_bytes((PROJECT / "LICENSE-DATA.md").read_bytes())
        (folder / "README.md").write_text(_readme(folder, reader, sources, content, source), encoding="utf-8")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        sums = "".join(f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
        (folder / "CHECKSUMS.sha256").write_text(sums, encoding="utf-8")
        buffer = BytesIO()
        with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
            for path in [*files, folder / "CHECKSUMS.sha256"]:
                archive.write(path, path.relative_to(folder.parent).as_posix())
        return buffer.getvalue()


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


def _readme(folder: Path, reader: Reader, sources: list[Any], tables: Mapping[str, Exhibit], source: Cited) -> str:
    seed, python, packages, depth, commit, minutes = reader.con.execute(SQL["run"]).fetchall()[0]
    refit = (folder / "refit.py").read_text(encoding="utf-8").splitlines()
    at = next(k for k, line in enumerate(refit, start=1) if line.startswith("def refit"))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    file_rows = [(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_of(path)) for path in files]
    programs = [
        (code, table.title, f"refit.py, line {at} (numbers again), {_line(code)}" if code in REFITTED else _line(code),
         f"tables/{code}.csv")
        for code, table in tables.items()
    ]  # fmt: skip
    return README.render(
        scope=reader.scope,
        mark=f"**{SYNTHETIC}.**\n\n" if reader.scope.is_synthetic else "",
        table=_table,
        sources=sources,
        listed=file_rows,
        programs=programs,
        python=python,
        seed=seed,
        depth=depth,
        versions=", ".join(f"{name} {version}" for name, version in json.loads(packages).items()),
        commit=commit,
        minutes=minutes,
        citation=citation(source, "text"),
    )
