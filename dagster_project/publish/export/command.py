"""`nqpf export`: what is asked, what can be made of it, where it goes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich.console import Console
from rich.markup import escape

from dagster_project.paths import Paths
from dagster_project.publish.export import excel, latex, plain, stata, text
from dagster_project.publish.export.city_panel import read_panel
from dagster_project.publish.export.errors import ExportError
from dagster_project.publish.export.paper import read_frame, read_grid
from dagster_project.publish.export.registry import TABLES
from dagster_project.publish.export.scope import SYNTHETIC, Scope, read_scope, tables_of
from dagster_project.publish.release.folder import known_releases
from dagster_project.published import open_read_only
from dagster_project.run.failures import EXIT_BAD_INPUT, EXIT_OK, nothing_published

PRINTED: dict[str, Callable[..., str]] = {"latex": latex.to_latex, "markdown": text.to_markdown, "html": text.to_html}
ROWS = ("csv", "parquet")
WHOLE = ("excel", "stata")
DRAWN = ("svg", "png")
BINARY = ("parquet", "excel", "stata", "png")
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


def export(paths: Paths, console: Console, asked: Asked) -> int:
    """Write what was asked to a file (a file a chart) or to stdout. Exit code: 0 done, 2 not possible, with why."""
    try:
        _check(asked)
        file = _file(paths, asked)
        if file is None:
            return nothing_published(paths, console)
        _check_out(paths, asked)
        made, scope = _make(file, asked)
        if asked.out is None and len(made) > 1:
            raise ExportError(f"{asked.figure} has several charts: give --out, or name one of {', '.join(made)}.")
    except ExportError as error:
        console.print(escape(str(error)), highlight=False, soft_wrap=True)
        return EXIT_BAD_INPUT
    for key, content in made.items():
        if asked.out is None:
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
            continue
        out = asked.out if len(made) == 1 else asked.out.with_stem(f"{asked.out.stem}-{key.rpartition('/')[2]}")
        _write(out, BOM + content if asked.format == "csv" else content)
        mark = f" [bold yellow]{SYNTHETIC}[/]" if scope.is_synthetic else ""
        size = f"{len(content) / 1e6:.2f} MB"
        console.print(f"{escape(str(out))} ({size}), {scope.release}{mark}", highlight=False, soft_wrap=True)
    return EXIT_OK


def _write(out: Path, content: bytes) -> None:
    """Whole or not at all."""
    fresh = out.with_name(f".{out.name}.part")
    fresh.write_bytes(content)
    fresh.replace(out)


def _check(asked: Asked) -> None:
    """What fits together."""
    if asked.table and asked.figure:
        raise ExportError("Name a --table or a --figure, not both.")
    formats = DRAWN if asked.figure else (*PRINTED, *ROWS) if asked.table else WHOLE
    if asked.format not in (*PRINTED, *ROWS, *WHOLE, *DRAWN):
        known = (*PRINTED, *ROWS, *WHOLE, *DRAWN)
        raise ExportError(f"There is no format '{asked.format}'. Formats: {', '.join(known)}.")
    if asked.format not in formats:
        if asked.table or asked.figure:
            what = "A figure" if asked.figure else "A table"
            raise ExportError(f"{what} can be {', '.join(formats)}, not {asked.format}.")
        need = "--figure" if asked.format in DRAWN else "--table"
        raise ExportError(f"Format {asked.format} needs {need}. {_known_tables([])}")
    if asked.format in BINARY and asked.out is None:
        raise ExportError(f"Format {asked.format} needs --out FILE.")


def _check_out(paths: Paths, asked: Asked) -> None:
    """The file goes where it may: never into the published folder, nor the build."""
    if asked.out is None:
        return
    where = asked.out.resolve()
    if not where.parent.is_dir():
        raise ExportError(f"There is no folder {where.parent}: create it first.")
    if where.is_dir():
        raise ExportError(f"{where} is a folder: name a file.")
    for kept in (paths.published, paths.build_file.parent):
        if where.is_relative_to(kept.resolve()):
            raise ExportError(f"{kept} belongs to the warehouse: write the export elsewhere.")


def _file(paths: Paths, asked: Asked) -> Path | None:
    if asked.release is None:
        return paths.published_file if paths.published_file.exists() else None
    file = paths.releases / asked.release / "city.duckdb"
    names = [row["release"] for row in known_releases(paths)]
    if asked.release not in names or not file.exists():
        raise ExportError(f"There is no release '{asked.release}'. Known: {', '.join(names) or 'none'}.")
    return file


def _make(file: Path, asked: Asked) -> tuple[dict[str, bytes], Scope]:
    """What to write, by name: one thing, or the charts of a figure."""
    with open_read_only(file) as con:
        scope = read_scope(con, asked.index)
        if asked.format in WHOLE:
            panel = read_panel(con, scope)
            is_stata = asked.format == "stata"
            return {
                asked.format: stata.to_stata(panel, scope) if is_stata else excel.to_excel(con, panel, scope)
            }, scope
        if asked.table:
            printed = _printed(con, asked, scope)
            if printed is not None:
                return {asked.table: printed}, scope
            sql, parameters = _rows(con, asked.table, scope)
    if asked.table:
        return {asked.table: plain.rows_as(file, sql, parameters, asked.format)}, scope
    from dagster_project.publish.export import figures  # Altair and the whole report: only when a chart is asked

    found = figures.chosen(figures.charts(file, scope.release), asked.figure or "")
    return {key: figures.draw(spec, asked.format) for key, spec in found.items()}, scope


def _printed(con: duckdb.DuckDBPyConnection, asked: Asked, scope: Scope) -> bytes | None:
    """The table as text, or None if rows are asked."""
    code = (asked.table or "").upper()
    if asked.format not in PRINTED:
        if code in TABLES:
            read_frame(con, TABLES[code], scope)  # says why if there is nothing
        return None
    if code not in TABLES:
        hint = f"{asked.table} is a plain table: use --format csv or parquet. " if asked.table in tables_of(con) else ""
        raise ExportError(f"{hint or f'No paper table is called {asked.table!r}. '}{_known_tables([])}")
    return PRINTED[asked.format](read_grid(con, TABLES[code], scope)).encode()


def _rows(con: duckdb.DuckDBPyConnection, name: str, scope: Scope) -> tuple[str, dict[str, str]]:
    """Query of a paper table (with the release in each row) or of a whole mart."""
    if name.upper() in TABLES:
        sql = TABLES[name.upper()].sql
        marked = f"select *, '{scope.release.replace(chr(39), '')}' as release from ({sql})"
        return marked, scope.parameters(sql)
    known = tables_of(con)
    if name not in known:
        raise ExportError(f"No table is called '{name}'. {_known_tables(known)}")
    return f'select * from mart."{name}"', {}


def _known_tables(marts: list[str]) -> str:
    listed = "; ".join(f"{table.code} {table.title_en}" for table in TABLES.values())
    return f"Paper tables: {listed}." + (f" Plain tables: {', '.join(marts)}." if marts else "")
