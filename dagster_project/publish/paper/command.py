"""`nqpf export`: what is asked, what can be made of it, where it goes."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape

from dagster_project.paths import Paths
from dagster_project.publish.citation import FORMS, Cited, citation
from dagster_project.publish.exhibits.exhibit import Exhibit, Grid, exhibits, read_grid, read_notes, read_rows
from dagster_project.publish.exhibits.markup import to_html, to_markdown
from dagster_project.publish.exhibits.reader import SYNTHETIC, ExportError, Reader, Scope, read_scope
from dagster_project.publish.locale import languages
from dagster_project.publish.paper import excel, figures, latex, plain, stata
from dagster_project.publish.paper.city_panel import CityPanel, read_panel
from dagster_project.publish.paper.described import Described, read_table
from dagster_project.publish.release.folder import known_releases
from dagster_project.publish.release.yearbook import yearbook_archive
from dagster_project.published import TABLES, open_read_only
from dagster_project.run.failures import answering, nothing_published
from dagster_project.run.versions import sha256_of

PRINTED: dict[str, Callable[[Grid], str]] = {"latex": latex.to_latex, "markdown": to_markdown, "html": to_html}
ROWS = ("csv", "parquet")
WHOLE = ("excel", "stata", "report", "yearbook")
DRAWN = ("svg", "png")
BINARY = ("parquet", "excel", "stata", "png", "report", "yearbook")
PLAIN_SQL = f"select schema_name || '.' || table_name from {TABLES} where schema_name in ('easy', 'mart')"
MAX_PRINTED = 2_000  # rows that a printed table may have
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


@answering
def export(paths: Paths, console: Console, asked: Asked) -> None:
    """Write what was asked to a file (a file a chart) or to stdout. Exit code: 0 done, 2 not possible, with why."""
    _check(asked)
    file = _file(paths, asked)
    _check_out(paths, asked)
    made, scope = _make(file, asked)
    if asked.out is None and len(made) > 1:
        raise ExportError(f"{asked.figure} has several charts: give --out, or name one of {', '.join(made)}.")
    for key, content in made.items():
        if asked.out is None:
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
            continue
        out = asked.out if len(made) == 1 else asked.out.with_stem(f"{asked.out.stem}-{key}")
        fresh = out.with_name(f".{out.name}.part")  # whole or not at all
        fresh.write_bytes(BOM + content if asked.format == "csv" else content)
        fresh.replace(out)
        mark = f" [bold yellow]{SYNTHETIC}[/]" if scope.is_synthetic else ""
        size = f"{len(content) / 1e6:.2f} MB"
        console.print(f"{escape(str(out))} ({size}), {scope.release}{mark}", highlight=False, soft_wrap=True)


def _check(asked: Asked) -> None:
    """What fits together."""
    if asked.table and asked.figure:
        raise ExportError("Name a --table or a --figure, not both.")
    formats = DRAWN if asked.figure else (*PRINTED, *ROWS, "excel", "stata") if asked.table else WHOLE
    if asked.language not in languages():
        raise ExportError(f"There is no language '{asked.language}'. Languages: {', '.join(languages())}.")
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
    if asked.figure:
        figures.chosen(exhibits(), asked.figure)  # says which there are


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


def _file(paths: Paths, asked: Asked) -> Path:
    if asked.release is None:
        if not paths.published_file.exists():
            raise nothing_published(paths)
        return paths.published_file
    file = paths.releases / asked.release / "city.duckdb"
    names = [row["release"] for row in known_releases(paths)]
    if asked.release not in names or not file.exists():
        raise ExportError(f"There is no release '{asked.release}'. Known: {', '.join(names) or 'none'}.")
    return file


def _make(file: Path, asked: Asked) -> tuple[dict[str, bytes], Scope]:
    """What to write, by name: one thing, or the charts of a figure."""
    with open_read_only(file) as con:
        scope = read_scope(con, asked.index)
        reader = Reader(con, scope, asked.language)
        if asked.figure:
            found = figures.chosen(exhibits(), asked.figure)
            made, lacking = {}, []
            for code, exhibit in found.items():
                try:
                    made[code] = figures.draw_file(reader, exhibit, asked.format)
                except ExportError as error:
                    lacking.append(str(error))
            if not made:
                raise ExportError(" ".join(lacking))
            return made, scope
        if asked.table is None:
            return {asked.format: _whole(file, reader, asked)}, scope
        table = _tables().get(asked.table.upper())
        if table is None:
            return {asked.table: _plain(file, reader, asked)}, scope
        if asked.format in PRINTED:
            return {asked.table: PRINTED[asked.format](read_grid(reader, table)).encode()}, scope
        rows = read_rows(reader, table)  # says why if there is nothing
        if asked.format in ROWS:
            sql = f"select *, '{scope.release.replace(chr(39), '')}' as release from ({table.sql})"
            return {asked.table: plain.rows_as(file, reader, sql, asked.format)}, scope
        heads = {column.field: reader.words.gettext(column.head) for column in table.columns if column.head}
        own = Described(pd.DataFrame(rows), heads, {}, " ".join([table.title, *read_notes(reader, table, rows)]))
        return {asked.table: _described(own, table.code, reader, file, asked.format)}, scope


def _whole(file: Path, reader: Reader, asked: Asked) -> bytes:
    if asked.format == "report":
        from dagster_project.publish.site.site import single_file  # the whole site: only when it is asked

        return single_file(file, language=asked.language).encode()
    if asked.format == "yearbook":
        return yearbook_archive(file, reader)
    panel = read_panel(reader)
    if asked.format == "excel":
        return excel.to_excel(reader, panel, _cited(file, reader.scope))
    return stata.to_stata(panel, reader.scope, asked.language)


def _cited(file: Path, scope: Scope, part: str = "") -> Cited:
    built = int(str(scope.built)[:4])
    digest = sha256_of(file)
    return Cited(scope.release, scope.data_vintage, scope.method_version, built, scope.is_synthetic, digest, part)


def _sources(file: Path, reader: Reader, part: str) -> list[str]:
    """Notes: whether it is made up, where it comes from, how it is cited."""
    mark = [SYNTHETIC] if reader.scope.is_synthetic else []
    cited = _cited(file, reader.scope, part)
    return [*mark, reader.scope.origin, *(f"How to cite: {citation(cited, form)}" for form in FORMS)]


def _described(table: Described, name: str, reader: Reader, file: Path, format: str) -> bytes:
    """Excel or Stata, with labels and units; a workbook also says where it comes from."""
    if format == "excel":
        return excel.table_to_excel(table, name, _sources(file, reader, f"Table {name}"))
    return stata.to_stata(CityPanel(table.frame, table.labels, table.units, {}), reader.scope)


def _plain(file: Path, reader: Reader, asked: Asked) -> bytes:
    """A table of schema easy or mart, called by its name with or without the schema."""
    full = sorted(row[0] for row in reader.con.execute(PLAIN_SQL).fetchall())
    name = next((one for one in full if asked.table in (one, one.partition(".")[2])), None)
    if name is None:
        raise ExportError(f"No table is called '{asked.table}'. {_known_tables(full)}")
    if asked.format in ROWS:
        return plain.rows_as(file, reader, f"from {name}", asked.format)
    limit = MAX_PRINTED if asked.format in PRINTED else excel.MAX_ROWS if asked.format == "excel" else None
    n = int(reader.con.execute(f"select count(*) from {name}").fetchall()[0][0])
    if limit is not None and n > limit:
        raise ExportError(f"{name} has {n:,} rows; {asked.format} takes {limit:,}. Use --format csv or parquet.")
    table = read_table(reader, name)
    assert table is not None
    if asked.format in PRINTED:
        return PRINTED[asked.format](plain.as_grid(table, name, reader)).encode()
    return _described(table, name, reader, file, asked.format)


def _tables() -> dict[str, Exhibit]:
    return {code: exhibit for code, exhibit in exhibits().items() if exhibit.columns}


def _known_tables(marts: list[str]) -> str:
    listed = "; ".join(f"{table.code} {table.title}" for table in _tables().values())
    return f"Paper tables: {listed}." + (f" Plain tables: {', '.join(marts)}." if marts else "")
