"""The main job for people and schedulers: landing files in, published release out, exit code and sentences."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import time
from pathlib import Path

import dagster as dg
import duckdb
from rich.console import Console
from rich.markup import escape

from dagster_project.cli.failures import (
    EXIT_BAD_INPUT,
    EXIT_BUSY,
    EXIT_OK,
    EXIT_REFUSED,
    Failure,
    read_failure,
)
from dagster_project.cli.locking import refresh_lock
from dagster_project.cli.runner import quiet_output, run_job
from dagster_project.definitions import build_defs, prepare_instance
from dagster_project.demo.generate import generate_demo
from dagster_project.ingest.errors import IngestError
from dagster_project.ingest.sidecar import Sidecar
from dagster_project.paths import PROJECT, Paths
from dagster_project.publishing.release import latest_release
from dagster_project.run_state import hash_of_files, landed_sidecars, yearly
from dagster_project.specs.schema import SpecError
from dagster_project.warehouse import Warehouse, WarehouseBusy

# what the generator reads: the roster, its groups and borders, rules of boundaries, words and rates
DEMO_SEEDS = (
    "city", "city_group", "city_neighbour", "exchange_rate", "indicator_part", "keyword", "variable",
)  # fmt: skip
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def refresh(paths: Paths, console: Console, *, year: int | None, is_demo: bool) -> int:
    """Run the main job; prints progress and a summary, returns the exit code."""
    started = time.monotonic()
    log = paths.logs / f"refresh_{dt.datetime.now():%Y%m%d_%H%M%S}.log"
    before = latest_release(paths.releases)
    try:
        with refresh_lock(paths):
            failure = _run(paths, log, year=year, is_demo=is_demo)
    except (IngestError, SpecError) as error:
        failure = Failure(EXIT_BAD_INPUT, [str(error)])
    except WarehouseBusy as error:
        failure = Failure(EXIT_BUSY, [str(error)])
    seconds = time.monotonic() - started
    if failure:
        return _say_failure(console, failure, paths, log, seconds)
    _say_success(console, paths, log, seconds, before)
    return EXIT_OK


def _run(paths: Paths, log: Path, *, year: int | None, is_demo: bool) -> Failure | None:
    with quiet_output(log) as people:
        people.print(f"Refresh of {paths.warehouse}; details in {log}", highlight=False, soft_wrap=True)
        if is_demo:
            check_kind(paths, "synthetic")
            _ensure_demo(paths, people)
        sidecars = landed_sidecars(paths)
        check_kind(paths, "synthetic" if sidecars[0].is_synthetic else "real")
        years = _years(sidecars, year)
        Warehouse(paths.build_file).prepare()
        prepare_instance(paths)
        defs = build_defs(paths)
        with dg.DagsterInstance.get() as instance:
            tags = {RANGE_START: years[0], RANGE_END: years[-1]} if years else {}
            for name, job_tags in (("ingest", tags), ("rebuild", {})):
                job = defs.resolve_job_def(name)
                failure = read_failure(run_job(job, instance, people, title=name, tags=job_tags))
                if failure:
                    return failure
    return None


def _years(sidecars: list[Sidecar], year: int | None) -> list[str]:
    known = sorted({s.data_year for s in yearly(sidecars)})
    if year is None:
        return [str(y) for y in known]
    if year not in known:
        have = ", ".join(str(y) for y in known) or "none"
        raise IngestError(
            f"No sidecar has data_year {year}", f"years with a sidecar: {have}", "Write the sidecar first"
        )
    return [str(year)]


def check_kind(paths: Paths, kind: str) -> None:
    """Demo and real data never share a warehouse file: the first load decides for ever."""
    marker = paths.warehouse / "build" / "kind.txt"
    found = marker.read_text(encoding="utf-8").strip() if marker.exists() else _published_kind(paths) or kind
    if found != kind:
        raise IngestError(
            f"This warehouse holds {found} data and the landing files are {kind}",
            str(paths.warehouse),
            "Name another folder with --warehouse",
        )
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(kind + "\n", encoding="utf-8")


def _published_kind(paths: Paths) -> str | None:
    if not paths.published_file.exists():
        return None
    with duckdb.connect(str(paths.published_file), read_only=True) as con:
        flag = con.execute("select bool_or(is_synthetic) from mart.dim_vintage").fetchall()[0][0]
    return "synthetic" if flag else "real"


def _ensure_demo(paths: Paths, people: Console) -> None:
    """Write the demo's landing files once; again only when the generator or the roster changed."""
    sources = [
        *(PROJECT / "dagster_project" / "demo").glob("*.*"),
        PROJECT / "python_models" / "simulation.py",
        *(paths.seeds / f"{name}.csv" for name in DEMO_SEEDS),
    ]
    key = hash_of_files([s for s in sources if s.is_file()])
    marker = paths.landing / "generated.txt"
    if marker.exists() and marker.read_text(encoding="utf-8").strip() == key:
        return
    started = time.monotonic()
    if paths.landing.exists() and any(paths.landing.iterdir()):
        if not marker.exists():
            raise IngestError(
                "The folder for the demo's landing files holds files that the demo did not write",
                str(paths.landing),
                "Name another --warehouse, or give these files with --landing",
            )
        shutil.rmtree(paths.landing)
    paths.landing.mkdir(parents=True, exist_ok=True)
    marker.write_text("unfinished\n", encoding="utf-8")
    generate_demo(paths.landing)
    marker.write_text(key + "\n", encoding="utf-8")
    seconds = time.monotonic() - started
    people.print(f"  [green]done[/]  {'write SYNTHETIC landing files':<28}{seconds:6.1f} s", highlight=False)


def _say_failure(console: Console, failure: Failure, paths: Paths, log: Path, seconds: float) -> int:
    console.print(f"[red]Not refreshed[/] after {seconds:.0f} s.", highlight=False)
    for sentence in failure.sentences:
        console.print(f"  {escape(sentence)}", highlight=False, soft_wrap=True)
    if failure.exit_code == EXIT_REFUSED:
        console.print("  Until the seeds or the files are mended, or the sidecar is taken away, each run ends here.")
    if paths.published_file.exists():
        digest = hashlib.sha256(paths.published_file.read_bytes()).hexdigest()[:12]
        console.print(f"The published file is as it was: {paths.published_file} (sha256 {digest}…).", soft_wrap=True)
    console.print(f"Details: {log}", highlight=False, soft_wrap=True)
    return failure.exit_code


def _say_success(console: Console, paths: Paths, log: Path, seconds: float, before: str | None) -> None:
    with duckdb.connect(str(paths.published_file), read_only=True) as con:
        release, vintage, synthetic = con.execute(
            "select release, data_vintage, is_synthetic from mart.mart_run_manifest order by started_at desc limit 1"
        ).fetchall()[0]
        scores = con.execute(
            "select index_code, count(distinct city_id), min(year), max(year) from mart.mart_index_score"
            " where index_code = spec_code and score is not null group by 1 order by 1"
        ).fetchall()
        warnings = con.execute(
            "select count(*) from mart.mart_check_result where not passed and severity = 'warn'"
        ).fetchall()[0][0]
    mark = " [bold yellow]SYNTHETIC demo: no figure says anything about China.[/]" if synthetic else ""
    what = "[green]Nothing changed[/] since" if release == before else "[green]Published[/]"
    console.print(f"{what} {release} (data vintage {vintage}), {seconds:.0f} s.{mark}", highlight=False)
    for index, cities, first, last in scores:
        console.print(f"  {index}: {cities} cities with a score, {first}-{last}", highlight=False)
    console.print(f"  {warnings} warnings in mart.mart_check_result", highlight=False)
    console.print(f"  query   {paths.published_file}", highlight=False, soft_wrap=True)
    console.print(f"  report  {paths.releases / release / 'docs' / 'index.html'}", highlight=False, soft_wrap=True)
    console.print(f"  log     {log}", highlight=False, soft_wrap=True)
