"""Commands of `nqpf`. Heavy imports stay inside the commands, so that `nqpf --help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dagster_project.paths import Paths, demo_paths, real_paths

app = typer.Typer(
    help="Yearly Chinese city statistics in; a validated, explained index out.",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
)  # fmt: skip
release_app = typer.Typer(help="Releases: list and compare.", no_args_is_help=True)
schedule_app = typer.Typer(help="The yearly schedule and the landing sensor.", no_args_is_help=True)
app.add_typer(release_app, name="release")
app.add_typer(schedule_app, name="schedule")
console = Console()

LandingOption = Annotated[
    Path | None, typer.Option(help="Root folder of real landing files; without it the SYNTHETIC demo runs.")
]
WarehouseOption = Annotated[Path | None, typer.Option(help="Folder of the warehouse (build, published, reports).")]
SidecarOption = Annotated[
    Path | None,
    typer.Option(help="Folder of the sidecars; default: beside the files, else the tracked ones."),
]


def resolve(landing: Path | None, warehouse: Path | None, sidecars: Path | None = None) -> Paths:
    """Paths of the demo, or of a real warehouse when a landing folder is named."""
    if landing is None:
        demo = demo_paths()
        if warehouse is None:
            return demo
        root = warehouse.resolve()
        return Paths(warehouse=root, landing=root / "landing", sidecars=root / "landing")
    return real_paths(landing, warehouse, sidecars)


def reading_paths(warehouse: Path | None) -> Paths:
    """Paths for commands that only read: the named warehouse, else the real one if published, else the demo."""
    if warehouse is not None:
        return real_paths(Path(), warehouse, Path())
    real = real_paths(Path(), None, Path())
    return real if real.published_file.exists() else demo_paths()


@app.command()
def refresh(
    landing: LandingOption = None,
    warehouse: WarehouseOption = None,
    sidecars: SidecarOption = None,
    year: Annotated[int | None, typer.Option(help="Read and judge only this data year; then rebuild.")] = None,
) -> None:
    """Read, judge, standardise, compute, publish. Exit: 0 done, 2 bad input, 3 gate refused, 4 busy, 1 other."""
    from dagster_project.cli.refresh import refresh as run

    raise typer.Exit(run(resolve(landing, warehouse, sidecars), console, year=year, is_demo=landing is None))


@app.command()
def status(warehouse: WarehouseOption = None) -> None:
    """What is published, which loads are current, which checks did not pass."""
    from dagster_project.cli.reading import show_status

    raise typer.Exit(show_status(reading_paths(warehouse), console))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='e.g. "from mart.mart_index_score limit 5"')],
    warehouse: WarehouseOption = None,
    format: Annotated[str, typer.Option(help="table, csv, json or markdown")] = "table",
    as_of: Annotated[
        str | None, typer.Option(help="Release or data vintage, e.g. 2021A: what was current then; see `release list`.")
    ] = None,
) -> None:
    """Query the published file, read-only."""
    from dagster_project.cli.reading import run_sql

    raise typer.Exit(run_sql(reading_paths(warehouse), console, query, format, as_of))


@app.command()
def explain(
    city: Annotated[str, typer.Argument(help="Chinese or English name, or code")],
    year: int,
    indicator: Annotated[
        str | None, typer.Argument(help="e.g. q2_gdppc: down to the printed cell; without it the score is explained")
    ] = None,
    index: Annotated[str | None, typer.Option(help="index, e.g. nqpf_yearbook; default: the headline one")] = None,
    warehouse: WarehouseOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole explanation of a score as JSON.")] = False,
) -> None:
    """Why is this score what it is, and what moved it? With an indicator: where does its value come from?"""
    if indicator is None:
        from dagster_project.explain.show import show_score

        raise typer.Exit(show_score(reading_paths(warehouse), console, city, year, index, as_json=as_json))
    from dagster_project.cli.reading import explain_value

    raise typer.Exit(explain_value(reading_paths(warehouse), console, city, year, indicator, index))


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A yearbook workbook, a table of one, a CSV or Stata file.")],
    year: Annotated[int | None, typer.Option(help="Statistical year of the figures (not the edition).")] = None,
    json: Annotated[bool, typer.Option("--json", help="The whole report as JSON on stdout.")] = False,
    warehouse: Annotated[
        Path | None, typer.Option(help="Compare with the last accepted years of this warehouse (opened read-only).")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Source, known or new; default: told by the headers.")] = None,
    layout: Annotated[str | None, typer.Option(help="wide, tables or long; default: told by the first rows.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Only this sheet.")] = None,
) -> None:
    """What of a file would be read, and what not, before it is landed. Exit: 0 all, 1 not all, 2 unreadable, 4 busy."""
    from dagster_project.inspect.command import inspect_file
    from dagster_project.inspect.frames import Asked

    asked = Asked(file, year=year, source=source, layout=layout, sheet=sheet)
    raise typer.Exit(inspect_file(asked, console, warehouse=warehouse, json=json))


@app.command()
def export(
    format: Annotated[str, typer.Option(help="latex, markdown, html, csv, parquet; excel, stata; svg, png")],
    table: Annotated[str | None, typer.Option(help="Paper table T1 to T20; with csv or parquet also any mart.")] = None,
    figure: Annotated[str | None, typer.Option(help="Figure, e.g. F07, or chart of the report: page/key.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; text formats go to stdout without it.")] = None,
    index: Annotated[str | None, typer.Option(help="index, e.g. nqpf; default: the headline one")] = None,
    release: Annotated[str | None, typer.Option(help="Release; default: the published one.")] = None,
    warehouse: WarehouseOption = None,
) -> None:
    """Paper tables, figures, an Excel workbook, a Stata panel, or rows of a table, from the published file."""
    from dagster_project.export.command import Asked
    from dagster_project.export.command import export as run

    asked = Asked(format, table=table, figure=figure, out=out, index=index, release=release)
    raise typer.Exit(run(reading_paths(warehouse), console, asked))


@app.command()
def ui(
    landing: LandingOption = None,
    warehouse: WarehouseOption = None,
    sidecars: SidecarOption = None,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
) -> None:
    """Start Dagster's webserver and daemon on 127.0.0.1; stop with Ctrl-C."""
    from dagster_project.cli.operations import start_ui

    raise typer.Exit(start_ui(resolve(landing, warehouse, sidecars), port))


@release_app.command("list")
def release_list(warehouse: WarehouseOption = None) -> None:
    """All releases, newest first."""
    from dagster_project.cli.reading import list_releases

    raise typer.Exit(list_releases(reading_paths(warehouse), console))


@release_app.command("diff")
def release_diff(old: str, new: str, warehouse: WarehouseOption = None) -> None:
    """What changed between two releases."""
    from dagster_project.cli.reading import diff_releases

    raise typer.Exit(diff_releases(reading_paths(warehouse), console, old, new))


@schedule_app.command("on")
def schedule_on(
    landing: LandingOption = None, warehouse: WarehouseOption = None, sidecars: SidecarOption = None
) -> None:
    """Switch the yearly refresh and the landing sensor on (they run while `nqpf ui` runs)."""
    _switch(resolve(landing, warehouse, sidecars), on=True)


@schedule_app.command("off")
def schedule_off(
    landing: LandingOption = None, warehouse: WarehouseOption = None, sidecars: SidecarOption = None
) -> None:
    """Switch both off."""
    _switch(resolve(landing, warehouse, sidecars), on=False)


@schedule_app.command("status")
def schedule_status(
    landing: LandingOption = None, warehouse: WarehouseOption = None, sidecars: SidecarOption = None
) -> None:
    """Say whether they are on."""
    from dagster_project.cli.operations import show_schedule

    raise typer.Exit(show_schedule(resolve(landing, warehouse, sidecars), console))


def _switch(paths: Paths, *, on: bool) -> None:
    from dagster_project.cli.operations import switch_schedule

    raise typer.Exit(switch_schedule(paths, console, on=on))


if __name__ == "__main__":
    app()
