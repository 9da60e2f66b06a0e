"""`nqpf export`: what is asked, what can be made of it, where it goes."""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape

from dagster_project.files import sha256_of
from dagster_project.paths import Paths
from dagster_project.publish.citation import FORMS, Cited, citation
from dagster_project.publish.exhibits.exhibit import Exhibit, Grid, exhibits, read_grid, read_notes, read_rows
from dagster_project.publish.exhibits.markup import to_html, to_markdown
from dagster_project.publish.exhibits.reader import SYNTHETIC, ExportError, Reader, Scope, read_scope
from dagster_project.publish.locale import languages
from dagster_project.publish.paper import excel, figures, latex, plain, stata, word
from dagster_project.publish.paper.city_panel import CityPanel, read_panel
from dagster_project.publish.paper.described import Described, read_table
from dagster_project.publish.release.folder import folder_of, known_releases, manifest_of
from dagster_project.publish.release.record import with_state
from dagster_project.publish.release.replication import replication_archive
from dagster_project.publish.release.yearbook import yearbook_archive
from dagster_project.published import TABLES, open_read_only
from dagster_project.run.failures import answering, nothing_published

PRINTED: dict[str, Callable[[Grid], str]] = {"latex": latex.to_latex, "markdown": to_markdown, "html": to_html}
ROWS = ("csv", "parquet")
WHOLE = ("excel", "stata", "report", "yearbook", "replication")
DRAWN = ("svg", "png")
BINARY = ("docx", "parquet", "excel", "stata", "png", "report", "yearbook", "replication")
PLAIN_SQL = f"select schema_name || '.' || table_name from {TABLES} where schema_name in ('easy', 'mart')"
MAX_PRINTED = 2_000  # rows that a printed table may have
MAX_TOGETHER = 500  # rows of a table among others in one file
BOM = "\ufeff".encode()


@dataclass(frozen=True)
class Asked:
    """The options of the command."""

    format: str
    table: str | None = None
    figure: str | None = None
    out: Path | None = None
    index: str | None = None
    release: str | None = None
    language: str = "en"
    all_tables: bool = False


@answering
def export(paths: Paths, console: Console, request: Asked) -> None:
    """Write what was asked to a file (a file a chart) or to stdout. Exit code: 0 done, 2 not possible, with why."""
    _check(request)
    file = _file(paths, request)
    _check_out(paths, request)
    files, scope = _make(file, request)
    if request.out is None and len(files) > 1:
        raise ExportError(f"{request.figure} has several charts: give --out, or name one of {', '.join(files)}.")
    for key, content in files.items():
        if request.out is None:
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
            continue
        out = request.out if len(files) == 1 else request.out.with_stem(f"{request.out.stem}-{key}")
        fresh = out.with_name(f".{out.name}.part")  # whole or not at all
        fresh.write_bytes(BOM + content if request.format == "csv" else content)
        fresh.replace(out)
        mark = f" [bold yellow]{SYNTHETIC}[/]" if scope.is_synthetic else ""
        size = f"{len(content) / 1e6:.2f} MB"
        console.print(f"{escape(str(out))} ({size}), {scope.release}{mark}", highlight=False, soft_wrap=True)


def _check(request: Asked) -> None:
    """What fits together."""
    if request.table and request.figure:
        raise ExportError("Name a --table or a --figure, not both.")
    if request.all_tables and (request.table or request.figure or request.format != "docx"):
        raise ExportError("--all-tables writes one Word file: give it with --format docx and --out alone.")
    tables = (*PRINTED, "docx", *ROWS, "excel", "stata", "replication")
    formats = DRAWN if request.figure else tables if request.table else ("docx",) if request.all_tables else WHOLE
    if request.language not in languages():
        raise ExportError(f"There is no language '{request.language}'. Languages: {', '.join(languages())}.")
    format_names = (*PRINTED, "docx", *ROWS, *WHOLE, *DRAWN)
    if request.format not in format_names:
        raise ExportError(f"There is no format '{request.format}'. Formats: {', '.join(format_names)}.")
    if request.format not in formats:
        if request.table or request.figure:
            what = "A figure" if request.figure else "A table"
            raise ExportError(f"{what} can be {', '.join(formats)}, not {request.format}.")
        need = "--figure" if request.format in DRAWN else "--table"
        raise ExportError(f"Format {request.format} needs {need}. {_known_tables([])}")
    if request.format in BINARY and request.out is None:
        raise ExportError(f"Format {request.format} needs --out FILE.")
    if request.figure:
        figures.chosen(exhibits(), request.figure)  # says which there are


def _check_out(paths: Paths, request: Asked) -> None:
    """The file goes where it may: never into the published folder, nor the build."""
    if request.out is None:
        return
    where = request.out.resolve()
    if not where.parent.is_dir():
        raise ExportError(f"There is no folder {where.parent}: create it first.")
    if where.is_dir():
        raise ExportError(f"{where} is a folder: name a file.")
    for folder in (paths.published, paths.build_file.parent):
        if where.is_relative_to(folder.resolve()):
            raise ExportError(f"{folder} belongs to the warehouse: write the export elsewhere.")


def _file(paths: Paths, request: Asked) -> Path:
    if request.release is None:
        if not paths.published_file.exists():
            raise nothing_published(paths)
        return paths.published_file
    folder = folder_of(paths, request.release)
    if folder is None or not (folder / "city.duckdb").exists():
        names = [row["release"] for row in known_releases(paths)]
        raise ExportError(f"There is no release '{request.release}'. Known: {', '.join(names) or 'none'}.")
    return folder / "city.duckdb"


def _make(file: Path, request: Asked) -> tuple[dict[str, bytes], Scope]:
    """What to write, by name: one thing, or the charts of a figure."""
    with open_read_only(file) as con:
        scope = read_scope(con, request.index)
        reader = Reader(con, scope, request.language)
        if request.figure:
            charts = figures.chosen(exhibits(), request.figure)
            files, lacking = {}, []
            for code, exhibit in charts.items():
                try:
                    files[code] = figures.draw_file(reader, exhibit, request.format)
                except ExportError as error:
                    lacking.append(str(error))
            if not files:
                raise ExportError(" ".join(lacking))
            return files, scope
        if request.all_tables:
            return {"tables": _all_tables(reader)}, scope
        if request.format == "replication":
            return {"replication": _replication(file, reader, request)}, scope
        if request.table is None:
            return {request.format: _whole(file, reader, request)}, scope
        table = _tables().get(request.table.upper())
        if table is None:
            return {request.table: _plain(file, reader, request)}, scope
        if request.format in (*PRINTED, "docx"):
            return {request.table: _printed(reader, read_grid(reader, table), request.format)}, scope
        rows = read_rows(reader, table)  # says why if there is nothing
        if request.format in ROWS:
            sql = f"select *, '{scope.release.replace(chr(39), '')}' as release from ({table.sql})"
            return {request.table: plain.rows_as(file, reader, sql, request.format)}, scope
        heads = {column.field: reader.words.gettext(column.head) for column in table.columns if column.head}
        content = Described(pd.DataFrame(rows), heads, {}, " ".join([table.title, *read_notes(reader, table, rows)]))
        return {request.table: _described(content, table.code, reader, file, request.format)}, scope


def _printed(reader: Reader, grid: Grid, format: str) -> bytes:
    if format == "docx":
        return word.to_docx([grid], reader.words, reader.scope.release, reader.scope.built)
    return PRINTED[format](grid).encode()


def _all_tables(reader: Reader) -> bytes:
    """Every paper table that has rows and is no list of city-years, in one Word file."""
    grids = []
    for table in _tables().values():
        with suppress(ExportError):
            grid = read_grid(reader, table)
            grids += [grid] if len(grid.rows) <= MAX_TOGETHER else []
    if not grids:
        raise ExportError(
            f"No paper table has rows in release {reader.scope.release}: --table T1 says why one has none."
        )
    return word.to_docx(grids, reader.words, reader.scope.release, reader.scope.built, appendix=True)


def _replication(file: Path, reader: Reader, request: Asked) -> bytes:
    tables, name = _tables(), (request.table or "").upper()
    if name and name not in tables:
        raise ExportError(f"No paper table is called '{request.table}'. {_known_tables([])}")
    selection = {name: tables[name]} if name else tables
    return replication_archive(file, reader, selection, _cited(file, reader.scope))


def _whole(file: Path, reader: Reader, request: Asked) -> bytes:
    if request.format == "report":
        from dagster_project.publish.site.site import single_file  # the whole site: only when it is asked

        return with_state(single_file(file, language=request.language), _manifest(file, reader.scope)).encode()
    if request.format == "yearbook":
        return yearbook_archive(file, reader)
    panel = read_panel(reader)
    if request.format == "excel":
        return excel.to_excel(reader, panel, _cited(file, reader.scope))
    return stata.to_stata(panel, reader.scope, request.language)


def _manifest(file: Path, scope: Scope) -> dict[str, Any]:
    """That of the release which the file is, or lies in."""
    beside = manifest_of(file.parent)
    return beside or {"release": scope.release, **manifest_of(file.parent / "releases" / scope.release)}


def _cited(file: Path, scope: Scope, part: str = "") -> Cited:
    year_built = int(str(scope.built)[:4])
    digest = sha256_of(file)
    return Cited(scope.release, scope.data_vintage, scope.method_version, year_built, scope.is_synthetic, digest, part)


def _sources(file: Path, reader: Reader, part: str) -> list[str]:
    """Notes: whether it is made up, where it comes from, how it is cited."""
    mark = [SYNTHETIC] if reader.scope.is_synthetic else []
    source = _cited(file, reader.scope, part)
    return [*mark, reader.scope.origin, *(f"How to cite: {citation(source, form)}" for form in FORMS)]


def _described(table: Described, name: str, reader: Reader, file: Path, format: str) -> bytes:
    """Excel or Stata, with labels and units; a workbook also says where it comes from."""
    if format == "excel":
        return excel.table_to_excel(table, name, _sources(file, reader, f"Table {name}"))
    return stata.to_stata(CityPanel(table.frame, table.labels, table.units, {}), reader.scope)


def _plain(file: Path, reader: Reader, request: Asked) -> bytes:
    """A table of schema easy or mart, called by its name with or without the schema."""
    full = sorted(row[0] for row in reader.con.execute(PLAIN_SQL).fetchall())
    name = next((one for one in full if request.table in (one, one.partition(".")[2])), None)
    if name is None:
        raise ExportError(f"No table is called '{request.table}'. {_known_tables(full)}")
    if request.format in ROWS:
        return plain.rows_as(file, reader, f"from {name}", request.format)
    limit = (
        MAX_PRINTED if request.format in (*PRINTED, "docx") else excel.MAX_ROWS if request.format == "excel" else None
    )
    n = int(reader.con.execute(f"select count(*) from {name}").fetchall()[0][0])
    if limit is not None and n > limit:
        raise ExportError(f"{name} has {n:,} rows; {request.format} takes {limit:,}. Use --format csv or parquet.")
    table = read_table(reader, name)
    assert table is not None
    if request.format in (*PRINTED, "docx"):
        return _printed(reader, plain.as_grid(table, name, reader), request.format)
    return _described(table, name, reader, file, request.format)


def _tables() -> dict[str, Exhibit]:
    return {code: exhibit for code, exhibit in exhibits().items() if exhibit.columns}


def _known_tables(marts: list[str]) -> str:
    codes = "; ".join(f"{table.code} {table.title}" for table in _tables().values())
    return f"Paper tables: {codes}." + (f" Plain tables: {', '.join(marts)}." if marts else "")
