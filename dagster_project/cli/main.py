"""Commands of `nqpf`. Heavy imports stay inside the commands, so that `nqpf --help` is quick.

Does not belong here: what a command does; each has a module beside this one.
"""

import atexit
import gc
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from dagster_project.cli.errors import CommandGroup
from dagster_project.cli.warehouse_option import answering_paths, reading_paths, resolve

app = typer.Typer(
    cls=CommandGroup,
    help="Yearly Chinese city statistics in; a validated, explained index out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
release_app = typer.Typer(
    help="Releases: examine and sign a candidate; list, compare, verify, rebuild, prune.", no_args_is_help=True
)
app.add_typer(release_app, name="release", rich_help_panel="Keep")
console = Console()

Depth = Literal["quick", "trial", "default", "paper"]  # names of dagster_project.study.settings.DepthName
LogFormat = Literal["text", "json"]
Switch = Literal["on", "off", "status"]
ExplainFormat = Literal["text", "json", "markdown"]

LandingOption = Annotated[
    Path | None, typer.Option(help="Root folder of real landing files; without it the SYNTHETIC demo runs.")
]
WarehouseOption = Annotated[Path | None, typer.Option(help="Folder of the warehouse (build, published, reports).")]
SidecarOption = Annotated[
    Path | None, typer.Option(help="Folder of the sidecars; default: beside the files, else the tracked ones.")
]
FormatOption = Annotated[str, typer.Option("--format", help="table, csv, json or markdown")]
IndexOption = Annotated[str | None, typer.Option(help="index, e.g. nqpf; default: the headline one")]
YearOption = Annotated[int | None, typer.Option(help="Statistical year of the figures (not the edition).")]
SourceOption = Annotated[str | None, typer.Option(help="Source, known or new; default: recognised from the headers.")]
LayoutOption = Annotated[
    str | None, typer.Option(help="wide, tables or long; default: recognised from the first rows.")
]
CityArgument = Annotated[str, typer.Argument(help="Chinese or English name, or code")]
LanguageOption = Annotated[str, typer.Option("--language", "--lang", help="Language of the words: en or zh.")]
NameArgument = Annotated[str, typer.Argument(help="The candidate, e.g. 2026.11.3.")]
CandidateArgument = Annotated[str | None, typer.Argument(help="Candidate or release; default: the newest that waits.")]
SheetOption = Annotated[str | None, typer.Option(help="Only this sheet.")]


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    """Yearly Chinese city statistics in; a validated, explained index out."""
    gc.set_threshold(100_000)  # what is loaded stays: to look through it again and again takes a tenth of the time
    atexit.register(gc.freeze)  # nor once more at the end, where all of it goes with the process
    if version:
        from dagster_project.run.versions import project_version

        print(f"nqpf {project_version()}")
        raise typer.Exit


@app.command(rich_help_panel="Make")
def refresh(
    landing: LandingOption = None,
    warehouse: WarehouseOption = None,
    sidecars: SidecarOption = None,
    year: Annotated[int | None, typer.Option(help="Read and judge only this data year; then rebuild.")] = None,
    depth: Annotated[
        Depth | None,
        typer.Option(
            help="quick: the headline alone; trial: all, few draws; default; paper. See specs/depth.yml, NQPF_DEPTH."
        ),
    ] = None,
    log_format: Annotated[LogFormat, typer.Option(help="text for people, json: one object a line.")] = "text",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing unless something is wrong.")] = False,
    workers: Annotated[
        int | None, typer.Option(help="Processes that compute; default: one a core. NQPF_WORKERS.")
    ] = None,
    memory: Annotated[str | None, typer.Option(help="Limit for all of them and DuckDB, e.g. 3GB. NQPF_MEMORY.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Dask cluster that computes, e.g. tcp://10.0.0.5:8786. NQPF_CLUSTER.")
    ] = None,
    recompute: Annotated[bool, typer.Option("--recompute", help="Run every step, also an unchanged one.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Print where the time went.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    candidate: Annotated[
        bool, typer.Option("--candidate", help="Publish nothing: build a candidate, see `nqpf release review`.")
    ] = False,
) -> None:
    """Read, judge, standardise, compute, publish. Exit: 0 done, 2 bad input, 3 gate refused, 4 busy, 1 other."""
    from dagster_project.cli.refresh import refresh as run
    from dagster_project.cli.refresh import show_plan

    if dry_run:
        raise typer.Exit(show_plan(resolve(landing, warehouse, sidecars), console))
    code = run(
        resolve(landing, warehouse, sidecars),
        console,
        year=year,
        is_demo=landing is None,
        log_format=log_format,
        quiet=quiet,
        depth=depth,
        workers=workers,
        memory=memory,
        cluster=cluster,
        recompute=recompute,
        profile=profile,
        as_candidate=candidate,
    )
    raise typer.Exit(code)


@app.command(rich_help_panel="Ask")
def status(warehouse: WarehouseOption = None) -> None:
    """What is published, which loads are current, which checks did not pass."""
    from dagster_project.cli.reading import show_status

    raise typer.Exit(show_status(reading_paths(warehouse), console))


@app.command(rich_help_panel="Ask")
def sql(
    query: Annotated[str | None, typer.Argument(help='e.g. "from mart.mart_index_score limit 5"')] = None,
    file: Annotated[Path | None, typer.Option(help="File with the query, e.g. of `nqpf ask ID --show-sql`.")] = None,
    warehouse: WarehouseOption = None,
    format: Annotated[
        str | None, typer.Option(help="table, csv, json or markdown; default: table on a screen, csv in a pipe.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Release or data vintage, e.g. 2021A: what was current then; see `release list`.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Time limit; default: 300.")] = None,
    rows: Annotated[int | None, typer.Option(help="Most rows that are printed; default: 1,000,000.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory limit; default: 4GB.")] = None,
) -> None:
    """Query the published file, read-only; tables may be named without their schema. Only SELECT is taken."""
    from dataclasses import replace

    from dagster_project.cli.sql import run_sql
    from dagster_project.publish.questions.guard import PERSON

    limits = replace(
        PERSON, seconds=seconds or PERSON.seconds, rows=rows or PERSON.rows, memory=memory or PERSON.memory
    )
    # with --as-of the line is that of the release which answers
    paths = answering_paths(warehouse) if as_of is None else reading_paths(warehouse)
    raise typer.Exit(run_sql(paths, console, query, format, as_of, file, limits))


@app.command("open", rich_help_panel="Ask")
def open_address(
    address: Annotated[str, typer.Argument(metavar="URL", help="https://..., or the folder of a file share.")],
    query: Annotated[str | None, typer.Argument(help="A SELECT; without one: what is there.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with the query instead (UTF-8).")] = None,
    release: Annotated[str | None, typer.Option(help="Another release than the current one.")] = None,
    key: Annotated[Path | None, typer.Option(help="Public key (PEM) of who signs; kept for this address.")] = None,
    form: Annotated[str | None, typer.Option("--format", help="table, csv, json or markdown")] = None,
    shell: Annotated[bool, typer.Option("--shell", help="Ask line after line.")] = False,
    whole: Annotated[bool, typer.Option("--whole", help="Get the whole file, for all other commands.")] = False,
    seconds: Annotated[float, typer.Option(help="How long to wait for an answer of the server.")] = 30.0,
) -> None:
    """Read a release from a web server or a file share: only the tables of the query, each held against its hash."""
    from dagster_project.cli.open import open_place

    raise typer.Exit(
        open_place(
            reading_paths(None),
            console,
            address,
            query,
            file=file,
            release=release,
            key=key,
            form=form,
            is_shell=shell,
            is_whole=whole,
            seconds=seconds,
        )
    )


@app.command(rich_help_panel="Ask")
def ask(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[ID | WORDS]", help="A question by its id, or words of one.")
    ] = None,
    city: Annotated[str | None, typer.Option(help="Chinese or English name, or code.")] = None,
    other: Annotated[str | None, typer.Option(help="The other city.")] = None,
    year: YearOption = None,
    variable: Annotated[str | None, typer.Option(help="Variable or indicator, e.g. gdp_nom.")] = None,
    indicator: Annotated[str | None, typer.Option(help="Indicator, e.g. q2_gdppc.")] = None,
    scheme: Annotated[str | None, typer.Option(help="Grouping of cities, e.g. east_vs_cw.")] = None,
    shares: Annotated[str | None, typer.Option(help="Grouping that shares refer to, e.g. three_region.")] = None,
    form: FormatOption = "table",
    show_sql: Annotated[bool, typer.Option("--show-sql", help="Print the statement instead, ready to change.")] = False,
    warehouse: WarehouseOption = None,
) -> None:
    """Worked questions in both languages: words find them, an id answers with figure, interval, sentence, citation."""
    from dagster_project.cli.ask import ask as run

    bindings = {"city": city, "other": other, "year": year, "variable": variable, "indicator": indicator}
    bindings |= {"scheme": scheme, "shares": shares}
    raise typer.Exit(run(answering_paths(warehouse), console, words or [], bindings, form, show_sql=show_sql))


@app.command(rich_help_panel="Ask")
def mcp(warehouse: WarehouseOption = None) -> None:
    """Serve the published file to a client on stdin and stdout (MCP), read-only; needs the extra `mcp`."""
    paths = answering_paths(warehouse)
    try:
        from dagster_project.cli.mcp import serve
    except ModuleNotFoundError as error:
        raise typer.BadParameter(
            f"The extra is not installed ({error.name}): pip install 'nqpf-warehouse[mcp]'"
        ) from error
    serve(paths)


@app.command(rich_help_panel="Ask")
def tables(
    word: Annotated[str | None, typer.Argument(help="Word of a name, a description or a column; default: all.")] = None,
    warehouse: WarehouseOption = None,
) -> None:
    """Which table holds what; those of schema easy first."""
    from dagster_project.cli.sql import show_tables

    raise typer.Exit(show_tables(answering_paths(warehouse), console, word))


@app.command(rich_help_panel="Ask")
def describe(
    table: Annotated[str, typer.Argument(help="e.g. city_ranking, or mart.city_ranking")],
    warehouse: WarehouseOption = None,
) -> None:
    """Columns of one table with their types and meaning."""
    from dagster_project.cli.sql import describe as run

    raise typer.Exit(run(answering_paths(warehouse), console, table))


@app.command(rich_help_panel="Ask")
def compare(
    city_a: CityArgument,
    city_b: Annotated[str, typer.Argument(help="The other city")],
    year: int,
    form: FormatOption = "table",
    warehouse: WarehouseOption = None,
) -> None:
    """What sets two cities apart: the lead of the first, indicator by indicator."""
    from dagster_project.cli.answers import compare as run

    raise typer.Exit(run(answering_paths(warehouse), console, (city_a, city_b), year, form))


@app.command(rich_help_panel="Ask")
def whatif(
    drop: Annotated[
        list[str] | None, typer.Option(help="Indicators left out, e.g. n1_wage,q2_profit; may be repeated.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only these indicators; may be repeated.")] = None,
    weights: Annotated[Path | None, typer.Option(help="CSV with columns indicator, weight; of any scale.")] = None,
    scheme: Annotated[str | None, typer.Option(help="Weights of a scheme, e.g. equal; default: the published.")] = None,
    years: Annotated[str | None, typer.Option(help="e.g. 2021, 2012,2021 or 2012-2021; default: the last.")] = None,
    index: IndexOption = None,
    form: FormatOption = "table",
    warehouse: WarehouseOption = None,
) -> None:
    """Scores and places under other weights, beside the published ones; bounds and normalised values stay."""
    from dagster_project.cli.own import Asked, show_whatif

    request = Asked(index, scheme, weights, _codes(drop), _codes(only), years)
    raise typer.Exit(show_whatif(answering_paths(warehouse), console, request, form))


@app.command(rich_help_panel="Make")
def index(
    file: Annotated[Path, typer.Argument(help="YAML or TOML file that describes the index, see docs/own_index.md.")],
    show: Annotated[str, typer.Option(help="scores, weights or values")] = "scores",
    form: FormatOption = "table",
    warehouse: WarehouseOption = None,
) -> None:
    """An index of your own: published indicators and columns of your CSV; nothing is refreshed or changed."""
    from dagster_project.cli.own import show_index

    raise typer.Exit(show_index(answering_paths(warehouse), console, file, show, form))


@app.command(rich_help_panel="Make")
def model(
    file: Annotated[Path, typer.Argument(help="YAML or TOML file of the regression, see docs/own_model.md.")],
    show: Annotated[str, typer.Option(help="estimates, data or links")] = "estimates",
    form: FormatOption = "table",
    warehouse: WarehouseOption = None,
) -> None:
    """A regression of your own: the headline with your controls, or your own terms, W, effects and model."""
    from dagster_project.cli.own import show_model

    raise typer.Exit(show_model(answering_paths(warehouse), console, file, show, form))


def _codes(texts: list[str] | None) -> list[str]:
    return [part.strip() for text in texts or [] for part in text.split(",") if part.strip()]


@app.command(rich_help_panel="Ask")
def cite(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[CITY YEAR | TABLE]", help="Default: the release as a whole.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, bibtex, gbt7714 (2025) or gbt7714-2015")] = "text",
    url: Annotated[str, typer.Option(help="Address where the release is offered, for what is cited online.")] = "",
    warehouse: WarehouseOption = None,
) -> None:
    """How to cite the release, a table of it, or the score of a city, with vintage and hash."""
    from dagster_project.cli.answers import cite as run

    raise typer.Exit(run(answering_paths(warehouse), console, words or [], form, url))


@app.command(rich_help_panel="Ask")
def check(
    file: Annotated[Path, typer.Argument(help="docx, md, txt, html, xlsx, or pdf with text; it is never changed.")],
    json: Annotated[
        bool, typer.Option("--json", help="place, text, number, verdict, candidates and note of each.")
    ] = False,
    release: Annotated[str | None, typer.Option(help="Release that the document was written from.")] = None,
    against: Annotated[str | None, typer.Option(help="Release to compare with; default: the published one.")] = None,
    warehouse: WarehouseOption = None,
) -> None:
    """Each number of a document: as published, rounded, or of another unit, city, year, release. Exit 1: differs."""
    from dagster_project.cli.check import check as run

    paths = answering_paths(warehouse)
    raise typer.Exit(run(paths, console, file, release=release, against=against, as_json=json))


@app.command(rich_help_panel="Keep")
def use(
    warehouse: Annotated[
        Path | None, typer.Argument(help="Folder of the warehouse; default: say which is used.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Choose as if nothing had been said.")] = False,
) -> None:
    """Remember the warehouse that commands ask when none is named. NQPF_WAREHOUSE comes before it."""
    from dagster_project.cli.warehouse_option import use as run

    raise typer.Exit(run(warehouse, console, forget=forget))


@app.command(rich_help_panel="Ask")
def explain(
    city: CityArgument,
    year: int,
    indicator: Annotated[
        str | None, typer.Argument(help="e.g. q2_gdppc: down to the printed cell; without it the score is explained")
    ] = None,
    index: Annotated[str | None, typer.Option(help="index, e.g. nqpf_yearbook; default: the headline one")] = None,
    warehouse: WarehouseOption = None,
    full: Annotated[bool, typer.Option("--full", help="Every indicator with its weight and printed cells.")] = False,
    form: Annotated[ExplainFormat, typer.Option("--format", help="text, json (everything) or markdown.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    language: Annotated[str, typer.Option("--language", "--lang", help="Of the short answer: en or zh.")] = "en",
) -> None:
    """Why is this score what it is, and what moved it? With an indicator: where does its value come from?"""
    form = "json" if as_json else form
    if indicator is None:
        from dagster_project.publish.explain.show import show_score

        paths = answering_paths(warehouse)
        raise typer.Exit(show_score(paths, console, city, year, index, form=form, full=full, language=language))
    if full or form != "text":
        raise typer.BadParameter("--full and --format explain a score; leave the indicator out.")
    from dagster_project.cli.reading import explain_value

    raise typer.Exit(explain_value(answering_paths(warehouse), console, city, year, indicator, index))


@app.command(rich_help_panel="Ask")
def edits(
    subject: Annotated[
        str | None, typer.Argument(metavar="[CITY|VARIABLE]", help="A city (name or code) or a variable; default: all.")
    ] = None,
    pending: Annotated[bool, typer.Option("--pending", help="What stands out and nobody decided.")] = False,
    all_rows: Annotated[bool, typer.Option("--all", help="All decisions, not the first twenty.")] = False,
    form: Annotated[str, typer.Option("--format", help="text, json or csv (all decisions)")] = "text",
    warehouse: WarehouseOption = None,
) -> None:
    """Printed figures that are not used as printed, most influential first; how to take one back."""
    from dagster_project.cli.edits import show_edits

    paths = answering_paths(warehouse)
    raise typer.Exit(show_edits(paths, console, subject, pending=pending, form=form, all_rows=all_rows))


@app.command(rich_help_panel="Make")
def fetch(
    sources: Annotated[list[str] | None, typer.Argument(help="Sources, e.g. census; default: all.")] = None,
    landing: LandingOption = None,
    folder: Annotated[
        Path | None, typer.Option("--from", help="Folder to search by hash, also inside zip archives.")
    ] = None,
    sidecars: SidecarOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be downloaded.")] = False,
) -> None:
    """Get the files that sidecars name: download what is open, say how to get the rest. Exit: 0 all there, 1 not."""
    from dagster_project.cli.fetch import fetch_files

    if landing is None:
        raise typer.BadParameter("Name the landing folder: --landing DIR.")
    raise typer.Exit(
        fetch_files(resolve(landing, None, sidecars), console, sources or [], folder=folder, dry_run=dry_run)
    )


@app.command(rich_help_panel="Make")
def accept(
    file: Annotated[Path, typer.Argument(help="A file of ready-made rows that a refused run has written, reviewed.")],
) -> None:
    """Append reviewed ready-made rows to the seeds. Exit: 0 done, 2 the file cannot be used."""
    from dagster_project.cli.care import accept_file

    raise typer.Exit(accept_file(file, console))


@app.command(rich_help_panel="Make")
def inspect(
    files: Annotated[
        list[Path], typer.Argument(help="A yearbook workbook, all tables of one, a CSV, a scan: one load.")
    ],
    year: YearOption = None,
    json: Annotated[bool, typer.Option("--json", help="The whole report as JSON on stdout.")] = False,
    warehouse: Annotated[
        Path | None, typer.Option(help="Compare with the last accepted years of this warehouse (opened read-only).")
    ] = None,
    source: SourceOption = None,
    layout: LayoutOption = None,
    sheet: SheetOption = None,
    cells: Annotated[Path | None, typer.Option(help="CSV for the figures of a scan, with boxes.")] = None,
    workbook: Annotated[Path | None, typer.Option(help="Twin of a scan: a workbook to correct and land.")] = None,
    page: Annotated[Path | None, typer.Option(help="HTML with the scan and its figures beside it.")] = None,
) -> None:
    """Would it be accepted, and what of it read? Exit: 0 accepted, 1 waits for answers, 2 unreadable, 3 no, 4 busy."""
    from dagster_project.inspect.command import inspect_file
    from dagster_project.inspect.frames import Request

    outputs = {"cells": cells, "workbook": workbook, "view": page}
    request = Request(tuple(files), year=year, source=source, layout=layout, sheet=sheet, **outputs)
    raise typer.Exit(inspect_file(request, console, warehouse=warehouse, json=json))


@app.command(rich_help_panel="Make")
def sidecar(
    files: Annotated[
        list[Path],
        typer.Argument(help="File below the landing folder; all tables of one edition; or a folder of editions."),
    ],
    landing: Annotated[
        Path | None, typer.Option(help="Root folder of the landing files; default: the folder of editions.")
    ] = None,
    producer: Annotated[str | None, typer.Option(help="Who made it.")] = None,
    title: Annotated[str | None, typer.Option(help="What it is; default: the printed title.")] = None,
    licence: Annotated[str | None, typer.Option(help="Terms of use; 'none stated' if unknown.")] = None,
    maturity: Annotated[str, typer.Option(help="first_print, provisional, revised or final")] = "first_print",
    year: YearOption = None,
    edition: Annotated[int | None, typer.Option(help="Year on the cover.")] = None,
    source: SourceOption = None,
    layout: LayoutOption = None,
    sheet: SheetOption = None,
    write: Annotated[bool, typer.Option("--write", help="Write it beside the file; else it is printed.")] = False,
    page: Annotated[Path | None, typer.Option(help="HTML file for what a folder of editions leaves open.")] = None,
) -> None:
    """The sidecar that a landing file needs, hash included; of a folder those of all editions of the yearbook in it.

    Exit: 0 complete, 1 something left open, 2 unreadable."""
    from dagster_project.inspect.frames import Request
    from dagster_project.inspect.sidecar_draft import Statements, draft_sidecar

    statements = Statements(producer, title, licence, maturity, edition)
    if len(files) == 1 and files[0].is_dir():
        from dagster_project.inspect.sidecar_many import draft_sidecars

        raise typer.Exit(draft_sidecars(files[0], landing or files[0], statements, write=write, page=page))
    if landing is None:
        raise typer.BadParameter("Name the landing folder: --landing DIR.")
    request = Request((files[0],), year=year, source=source, layout=layout, sheet=sheet)
    raise typer.Exit(draft_sidecar(files, request, landing, statements, write=write))


@app.command(rich_help_panel="Make")
def export(
    format: Annotated[
        str,
        typer.Option(
            help="latex, markdown, html, docx, csv, parquet, excel; stata, report, yearbook, replication; svg, png"
        ),
    ],
    table: Annotated[
        str | None, typer.Option(help="Paper table T1 to T20, or any table of schema easy or mart.")
    ] = None,
    all_tables: Annotated[bool, typer.Option("--all-tables", help="All paper tables in one Word file.")] = False,
    figure: Annotated[str | None, typer.Option(help="Figure, e.g. F07; F15 is F15A, F15B and F15C.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; text formats go to stdout without it.")] = None,
    index: IndexOption = None,
    release: Annotated[str | None, typer.Option(help="Release; default: the published one.")] = None,
    language: LanguageOption = "en",
    warehouse: WarehouseOption = None,
) -> None:
    """Paper tables, figures, a workbook, a Stata panel, rows of a table, the yearbook, or the report as one file."""
    from dagster_project.publish.paper.command import Asked
    from dagster_project.publish.paper.command import export as run

    request = Asked(format, table, figure, out, index, release, language, all_tables)
    raise typer.Exit(run(answering_paths(warehouse), console, request))


@app.command(rich_help_panel="Make")
def brief(
    name: Annotated[
        str | None, typer.Argument(metavar="[CITY | PROVINCE]", help="Name in either language, or code.")
    ] = None,
    year: Annotated[int | None, typer.Option(help="Year; default: the last with all cities.")] = None,
    language: LanguageOption = "en",
    is_all: Annotated[bool, typer.Option("--all", help="Every city and province; --out is a folder.")] = False,
    out: Annotated[Path | None, typer.Option(help="File .docx to write, or the folder of --all.")] = None,
    warehouse: WarehouseOption = None,
) -> None:
    """One or two pages of Word on a city or a province; `nqpf check` holds its figures against any release."""
    from dagster_project.cli.brief import brief as run

    raise typer.Exit(run(answering_paths(warehouse), console, name, year, language, is_all, out))


@app.command(rich_help_panel="Make")
def demo(
    folder: Annotated[Path, typer.Argument(help="New folder for the landing files.")],
    without: Annotated[
        list[str] | None,
        typer.Option(
            help="What to leave out: spatial_lag, spillover, asymmetry, border, threshold, slips, or all of them; "
            "and what makes it harder: serial_errors, uneven_errors, common_factor, feedback, near_weights."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every value.")] = 1,
    cities: Annotated[int | None, typer.Option(help="How many cities; default: all.")] = None,
) -> None:
    """Write landing files of a SYNTHETIC country with a known truth, 2012 to 2021: slips, but no other misprints."""
    from dagster_project.cli.demo import write_demo

    raise typer.Exit(write_demo(console, folder.resolve(), without=without or [], seed=seed, cities=cities))


@app.command(rich_help_panel="Serve")
def ui(
    landing: LandingOption = None,
    warehouse: WarehouseOption = None,
    sidecars: SidecarOption = None,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
) -> None:
    """Start Dagster's webserver and daemon on 127.0.0.1; stop with Ctrl-C."""
    from dagster_project.cli.operations import start_ui

    raise typer.Exit(start_ui(resolve(landing, warehouse, sidecars), port))


@app.command(rich_help_panel="Serve")
def docs(landing: LandingOption = None, warehouse: WarehouseOption = None, sidecars: SidecarOption = None) -> None:
    """Tables, columns and their lineage on one page for the browser (dbt's own; no network needed)."""
    from dagster_project.cli.operations import write_docs

    raise typer.Exit(write_docs(resolve(landing, warehouse, sidecars), console))


@app.command(rich_help_panel="Keep")
def doctor(
    warehouse: WarehouseOption = None,
    json: Annotated[bool, typer.Option("--json", help="What was looked at and the findings, as JSON.")] = False,
) -> None:
    """What is wrong with a warehouse that a person has to mend, and how. Changes nothing. Exit: 0 healthy, 1 not."""
    from dagster_project.cli.care import show_diagnosis

    raise typer.Exit(show_diagnosis(reading_paths(warehouse), console, as_json=json))


@release_app.command("list")
def release_list(warehouse: WarehouseOption = None) -> None:
    """All releases and candidates with their state and who signed, newest first."""
    from dagster_project.cli.releases import list_releases

    raise typer.Exit(list_releases(reading_paths(warehouse), console))


@release_app.command("diff")
def release_diff(
    old: Annotated[str | None, typer.Argument(help="Release; alone: it is compared with the one before it.")] = None,
    new: Annotated[str | None, typer.Argument(help="Newer release.")] = None,
    format: Annotated[str, typer.Option(help="markdown, html or json (all rows)")] = "markdown",
    out: Annotated[Path | None, typer.Option(help="File to write; stdout without it.")] = None,
    documents: Annotated[Path | None, typer.Option(help="Folder of documents: which of their figures changed.")] = None,
    warehouse: WarehouseOption = None,
) -> None:
    """What changed: cells, sources, scores and ranks with the bridge, weights, headline coefficients."""
    from dagster_project.cli.releases import diff_releases

    raise typer.Exit(
        diff_releases(reading_paths(warehouse), console, old, new, format=format, out=out, documents=documents)
    )


@release_app.command("export")
def release_export(
    web: Annotated[Path, typer.Option("--web", help="Folder of a web server or a file share.")],
    release: Annotated[str | None, typer.Option(help="Another release than the current one.")] = None,
    key: Annotated[Path | None, typer.Option(help="Private Ed25519 key (PEM) that signs the manifest.")] = None,
    inside: Annotated[bool, typer.Option("--inside", help="Only the own house reads the place.")] = False,
    warehouse: WarehouseOption = None,
) -> None:
    """Lay a release out for `nqpf open`: written once, never changed. Exit: 0 there, 2 refused."""
    from dagster_project.cli.releases import export_for_web

    raise typer.Exit(export_for_web(reading_paths(warehouse), console, web, release, key, is_inside=inside))


@release_app.command("verify")
def release_verify(
    release: Annotated[str | None, typer.Argument(help="Release; without it all are verified.")] = None,
    landing: Annotated[Path | None, typer.Option(help="Landing folder: its files are verified too.")] = None,
    warehouse: WarehouseOption = None,
) -> None:
    """Compute every hash of the manifests again. Exit: 0 all equal, 1 something differs, 2 no such release."""
    from dagster_project.cli.releases import verify_releases

    raise typer.Exit(verify_releases(reading_paths(warehouse), console, release, landing))


@release_app.command("rebuild")
def release_rebuild(
    release: str,
    check: Annotated[
        bool, typer.Option("--check", help="Rebuild in a temporary folder, compare, keep nothing.")
    ] = False,
    into: Annotated[Path | None, typer.Option(help="Empty folder for the rebuilt release.")] = None,
    landing: LandingOption = None,
    warehouse: WarehouseOption = None,
    sidecars: SidecarOption = None,
) -> None:
    """Make a release again from its manifest, compare every mart. Exit: 0 equal, 1 not, 2 cannot be made here."""
    from dagster_project.cli.releases import rebuild_release

    if check == (into is not None):
        raise typer.BadParameter("Use --check (compare, keep nothing) or --into FOLDER (keep the result).")
    raise typer.Exit(rebuild_release(resolve(landing, warehouse, sidecars), console, release, into=into))


@release_app.command("prune")
def release_prune(
    keep: Annotated[int, typer.Option(help="How many of the newest releases to keep.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete; without it the plan is shown and nothing is deleted.")
    ] = False,
    warehouse: WarehouseOption = None,
) -> None:
    """Delete old releases, never the current, a signed one or one that another points to; and rejected candidates.

    Shows the plan unless --yes."""
    from dagster_project.cli.releases import prune_releases

    raise typer.Exit(prune_releases(reading_paths(warehouse), console, keep, is_sure=yes))


@release_app.command("withdraw")
def release_withdraw(
    name: Annotated[str, typer.Argument(help="The current release, e.g. 2026.11.3.")],
    why: Annotated[str, typer.Option(help="The reason, for readers of the withdrawn release.")],
    by: Annotated[str, typer.Option(help="Who takes it back.")] = "",
    warehouse: WarehouseOption = None,
) -> None:
    """Take the current release back: the one before it is current again. Exit: 0 done, 2 not possible, 4 busy."""
    from dagster_project.cli.releases import withdraw_release

    raise typer.Exit(withdraw_release(reading_paths(warehouse), console, name, why, by))


@release_app.command("review", rich_help_panel="Examine and sign")
def release_review(
    name: CandidateArgument = None,
    json: Annotated[bool, typer.Option("--json", help="All lines with their answers, as JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page: all lines, one map and one rank chart.")] = None,
    all_lines: Annotated[bool, typer.Option("--all", help="All lines, not the first twenty that are open.")] = False,
    warehouse: WarehouseOption = None,
) -> None:
    """1. What a candidate changes, most influential first: before, after, why, and what hangs on it."""
    from dagster_project.cli.candidates import show_review

    raise typer.Exit(show_review(reading_paths(warehouse), console, name, as_json=json, html=html, all_lines=all_lines))


@release_app.command("ok", rich_help_panel="Examine and sign")
def release_ok(
    name: NameArgument,
    by: Annotated[str, typer.Option(help="Who examined the lines.")],
    lines: Annotated[list[int] | None, typer.Argument(help="Numbers of lines.")] = None,
    all_seen: Annotated[bool, typer.Option("--all-seen", help="All lines that are open.")] = False,
    as_in: Annotated[str, typer.Option(help="Lines that were ok in this earlier candidate and are the same.")] = "",
    why: Annotated[str, typer.Option(help="A remark for the record.")] = "",
    warehouse: WarehouseOption = None,
) -> None:
    """2. Lines of the list are as they should be. Exit: 0 done, 2 not possible, 4 busy."""
    from dagster_project.cli.candidates import answer

    paths, numbers = reading_paths(warehouse), lines or []
    raise typer.Exit(answer(paths, console, name, numbers, is_ok=True, by=by, why=why, all_open=all_seen, as_in=as_in))


@release_app.command("back", rich_help_panel="Examine and sign")
def release_back(
    name: NameArgument,
    lines: Annotated[list[int], typer.Argument(help="Numbers of lines.")],
    why: Annotated[str, typer.Option(help="What is wrong.")],
    by: Annotated[str, typer.Option(help="Who says so.")],
    warehouse: WarehouseOption = None,
) -> None:
    """2. Lines go back; for a printed figure a ready-made correction is written. Exit: 0 done, 2 not possible."""
    from dagster_project.cli.candidates import answer

    raise typer.Exit(answer(reading_paths(warehouse), console, name, lines, is_ok=False, by=by, why=why))


@release_app.command("promote", rich_help_panel="Examine and sign")
def release_promote(
    by: Annotated[str, typer.Option(help="Who signs.")],
    name: CandidateArgument = None,
    role: Annotated[str, typer.Option(help="As what, e.g. 'head of section'.")] = "",
    note: Annotated[str, typer.Option(help="A remark for the record.")] = "",
    all_seen: Annotated[
        bool, typer.Option("--all-seen", help="Sign for lines that nobody answered; the record says so.")
    ] = False,
    not_before: Annotated[
        str, typer.Option(help="Embargo, e.g. 2026-12-01T09:00+08:00: refused before, then promote again.")
    ] = "",
    warehouse: WarehouseOption = None,
) -> None:
    """3. Sign a candidate: it is published. Exit: 0 done, 2 not possible (lines open, changed, embargo), 4 busy."""
    from dagster_project.cli.candidates import promote_candidate
    from dagster_project.operations.promote import Signature

    signature = Signature(by, role, note, all_seen, not_before)
    raise typer.Exit(promote_candidate(reading_paths(warehouse), console, name, signature))


@release_app.command("reject", rich_help_panel="Examine and sign")
def release_reject(
    name: NameArgument,
    why: Annotated[str, typer.Option(help="The reason, for the record.")],
    by: Annotated[str, typer.Option(help="Who rejects it.")] = "",
    warehouse: WarehouseOption = None,
) -> None:
    """3. Keep a candidate out for good. Exit: 0 done, 2 not possible, 4 busy."""
    from dagster_project.cli.candidates import reject_candidate

    raise typer.Exit(reject_candidate(reading_paths(warehouse), console, name, why, by))


@app.command(rich_help_panel="Serve")
def schedule(
    switch: Annotated[Switch, typer.Argument(help="on, off, or status: say whether they are on.")],
    landing: LandingOption = None,
    warehouse: WarehouseOption = None,
    sidecars: SidecarOption = None,
) -> None:
    """The yearly refresh and the landing sensor; they run while `nqpf ui` runs."""
    from dagster_project.cli.operations import set_schedule

    raise typer.Exit(set_schedule(resolve(landing, warehouse, sidecars), console, switch))


if __name__ == "__main__":
    app()
