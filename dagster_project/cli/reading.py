"""Commands that only read the published file or the releases."""

import dataclasses
from pathlib import Path

import duckdb
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dagster_project.cli import output
from dagster_project.figures import grouped
from dagster_project.paths import Paths
from dagster_project.publish.explain.cities import NoAnswer, the_city
from dagster_project.publish.inert import visible
from dagster_project.publish.release.disk import disk_use, human
from dagster_project.publish.release.record import waiting
from dagster_project.publish.site.ink import FOLDER, page_of, picture_of
from dagster_project.published import statements
from dagster_project.run.failures import answering, say

TEXT_SHOWN = 40
SQL = statements(__file__)


@answering
def explain_value(paths: Paths, console: Console, city: str, year: int, indicator: str, index: str | None) -> None:
    """The trail of one indicator value."""
    with output.opened(paths) as con:
        city_id, name_zh, name_en, *_ = the_city(con, city)
        value = con.execute(SQL["value"], [city_id, year, indicator, index]).df()
        if value.empty:
            raise _no_value(con, city_id, f"{name_zh} {name_en}", year, indicator)
        row = value.iloc[0]
        trail = con.execute(SQL["trail"], [row["index_code"], city_id, year, indicator]).df()
        keys = [row["index_code"], indicator, city_id, year, row["index_code"], city_id, year, indicator]
        edits = con.execute(SQL["edited"], keys).df()
        release = con.execute(SQL["release"]).fetchall()[0][0]
    marks = [word for word in ("is_winsorised", "is_capped") if bool(row[word])]
    say(
        console,
        f"{name_zh} {name_en} ({city_id}) {year}: {row['name_zh']} / {row['name_en']}",
        f"  value {grouped(row['value_raw'])} {row['unit']}  ({row['value_origin']})",
        f"  = {row['formula_sql']}",
        f"  in {row['index_code']}: z {row['z']:.4f} x weight {row['weight']:.4f}"
        f" = contribution {row['contribution']:.4f}"
        + (f"  [{', '.join(marks)}: {grouped(row['value_final'])}]" if marks else ""),
        "Interpolated between:" if str(row["value_origin"]).startswith("interp") else "Printed cells:",
    )
    folder = paths.releases / str(release) / FOLDER
    for _, cell in trail.iterrows():
        say(console, *_cell(cell, folder))
    if not edits.empty:
        say(console, "Not used as printed:")
        for _, cell in edits.iterrows():
            say(console, *_cell(cell.reindex(trail.columns).fillna({"is_corrected": False}), folder))


def _cell(cell: pd.Series, folder: Path) -> list[str]:
    """Where a figure is printed, as what, and what became of it; folder: pictures of the ink of printed pages."""
    place = " ".join(part for part in (cell["file"], cell["sheet"], cell["cell"]) if isinstance(part, str) and part)
    if _is_missing(cell["value"]):  # a text of which only the words are counted
        figure, printed = str(cell["variable_code"]), f"{str(cell['printed'])[:TEXT_SHOWN]}…"
    else:
        figure, printed = f"{cell['variable_code']} = {cell['value']:,.10g} {cell['unit']}", str(cell["printed"])
    source = cell["source"] if _is_missing(cell["vintage"]) else f"{cell['source']} @ {cell['vintage']}"
    lines = [f"  {figure}, printed '{printed}' in {place} [{source}]" if place else f"  {figure}, computed [{source}]"]
    if place and (page := page_of(cell["source_cell_id"])):
        picture = folder / picture_of(cell["source_cell_id"])
        box = cell["source_cell_id"].rpartition("!")[2].replace(",", ", ")
        lines.append(f"      page {page}, box {box}" + (f": {picture}" if picture.is_file() else ""))
    if cell["is_corrected"]:
        lines.append(f"      corrected: {cell['correction_reason']}")
    if isinstance(cell["edit_rule"], str):
        use = "left out" if _is_missing(cell["used_value"]) else f"{cell['used_value']:,.10g} {cell['unit']} is used"
        if cell["edit_action"] in ("accept", "pending", "keep"):
            use = "used as printed"
        lines.append(f"      {cell['edit_rule']} {cell['edit_action']}: {use}; {cell['edit_evidence']}")
    if isinstance(cell["fill_rule"], str):
        lines.append(f"      suspected fill: {cell['fill_rule']}")
    return lines


def _no_value(con: duckdb.DuckDBPyConnection, city_id: str, name: str, year: int, code: str) -> NoAnswer:
    codes = {row[0] for row in con.execute("select distinct indicator_code from mart.mart_indicator_value").fetchall()}
    lines = [f"There is no value of {code} for {name} in {year}."]
    if code not in codes:
        lines.append(f"Indicators with values: {', '.join(sorted(codes))}.")
    for index_code, reason in con.execute(SQL["why_not"], [city_id]).fetchall():
        lines.append(f"  not in the sample of {index_code}: {reason}")
    return NoAnswer("\n".join(lines))


@answering
def show_status(paths: Paths, console: Console) -> None:
    """Release, loads, checks, and what each area of the warehouse takes (a landing folder elsewhere is not known)."""
    with output.opened(paths) as con:
        run = con.execute("from mart.mart_run_manifest order by started_at desc limit 1").df().iloc[0]
        loads, checks = (con.execute(SQL[name]).df() for name in ("loads", "checks"))
    size = paths.published_file.stat().st_size / 1e6
    mark = " [bold yellow]SYNTHETIC[/]" if run["is_synthetic"] else ""
    console.print(f"{run['release']}{mark}, data vintage {run['data_vintage']}, {size:.1f} MB", highlight=False)
    say(console, paths.published_file)
    say(console, *(f"Candidate {name} waits for a signature: nqpf release review" for name in waiting(paths)))
    disk = disk_use(dataclasses.replace(paths, landing=paths.warehouse / "landing")).query("bytes > 0")
    disk = disk.assign(size=disk["bytes"].map(human))[["area", "size", "files"]]
    console.print(table_of(loads), table_of(checks), table_of(disk))


def table_of(frame: pd.DataFrame, *, whole: tuple[str, ...] = ()) -> Table:
    """A frame for the screen; columns of `whole` are never broken over lines."""
    table = Table()
    for name in frame.columns:
        table.add_column(str(name), no_wrap=name in whole, overflow="fold")
    for row in frame.head(output.MAX_ROWS).itertuples(index=False):
        table.add_row(*["" if _is_missing(value) else escape(visible(str(value))) for value in row])
    return table


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)
