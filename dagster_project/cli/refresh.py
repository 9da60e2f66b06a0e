"""The main job for people and schedulers: landing files in, published release out, exit code and sentences."""

import datetime as dt
import os
import shutil
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from dagster_project.cli.runner import RunLog, profile_table, progress_reporter, quiet_output, step_progress
from dagster_project.errors import EXIT_BAD_INPUT, EXIT_BUSY, EXIT_FAILED, EXIT_OK, EXIT_REFUSED, IngestError, Refusal
from dagster_project.files import hash_of_files, sha256_of
from dagster_project.ingest.sidecar import Landed, read_landed
from dagster_project.operations.faults import SurroundingsError, sentence_of
from dagster_project.operations.preflight import check_surroundings, recall, tidy
from dagster_project.paths import Paths
from dagster_project.publish.release.folder import latest_release, withdrawn_releases
from dagster_project.publish.release.record import waiting
from dagster_project.published import PublishedFileError, open_read_only, statements
from dagster_project.run.cluster import ClusterError, check_cluster
from dagster_project.run.dbt import DbtCommand, parsing
from dagster_project.run.failures import Failure, answering, say
from dagster_project.run.kind import WrongKindError, check_kind
from dagster_project.run.lock import refresh_lock
from dagster_project.run.publishing import SettingsError, read_publishing
from dagster_project.run.ready_rows import read_ready_rows, ready_rows_sentence
from dagster_project.run.resources import ResourceError, export_resources
from dagster_project.run.status import RunStatus, known_seconds, write_status
from dagster_project.run.up_to_date import Changed, input_digest, remember, what_changed
from dagster_project.store import Warehouse, WarehouseBusy

MAX_PLANNED = 12  # names of one kind that `--dry-run` prints
SQL = statements(__file__)
# what the generator reads: the roster, its groups and borders, rules of boundaries, words and rates
DEMO_SEEDS = ("city", "city_group", "city_neighbour", "exchange_rate", "indicator_part", "keyword", "variable")


def refresh(
    paths: Paths,
    console: Console,
    *,
    year: int | None,
    is_demo: bool,
    log_format: str = "text",
    quiet: bool = False,
    depth: str | None = None,
    workers: int | None = None,
    memory: str | None = None,
    cluster: str | None = None,
    recompute: bool = False,
    profile: bool = False,
    as_candidate: bool = False,
) -> int:
    """Run the main job; prints progress and a summary (see `progress_reporter`), returns the exit code.

    recompute: every step runs, also one whose inputs are unchanged. profile: a table of where the time went.
    as_candidate: nothing is published, also where settings.yml does not say so.
    """
    if depth:
        os.environ["NQPF_DEPTH"] = depth  # for every process that this one starts
    if recompute:
        os.environ["NQPF_RECOMPUTE"] = "1"
    reporter = progress_reporter(console, log_format, quiet=quiet)
    start, began = time.monotonic(), dt.datetime.now(dt.UTC)
    log = paths.logs / f"refresh_{dt.datetime.now():%Y%m%d_%H%M%S}.log"
    before, candidates_before = latest_release(paths.releases), waiting(paths)
    record = RunLog(known_seconds(paths.reports), heard=reporter.step)
    reporter.started(paths.warehouse, log)

    def write_down(status: str, exit_code: int, message: list[str]) -> None:
        seconds, release = time.monotonic() - start, latest_release(paths.releases)
        state = RunStatus(status, exit_code, began, seconds, release, message, paths.warehouse, log, record.steps)
        reporter.ended(state)
        for warning in write_status(paths.reports, state):
            reporter.trouble.print(f"[yellow]Warning:[/] {escape(warning)}", highlight=False, soft_wrap=True)

    try:
        export_resources(workers, memory, cluster)
        check_surroundings(paths)
        with refresh_lock(paths):
            check_cluster()
            read_publishing(paths)
            if is_demo:
                check_kind(paths, is_synthetic=True)
                _ensure_demo(paths, reporter.progress)
            landed = read_landed(paths)
            inputs = input_digest(paths, landed.digests)
            is_asked_for = recompute or year is not None
            changed = Changed.numbers if is_asked_for else what_changed(paths, inputs, before)
            if changed == Changed.nothing:
                write_down("unchanged", EXIT_OK, [f"Nothing changed since {before}."])
                _say_unchanged(reporter.progress, paths, before, time.monotonic() - start)
                return EXIT_OK
            quiet_too = reporter.progress.quiet
            failure = _run(
                paths, log, record, landed, year=year, changed=changed, is_quiet=quiet_too, as_candidate=as_candidate
            )
            if failure and failure.exit_code == EXIT_FAILED and (way_out := sentence_of(failure.details, paths)):
                failure = Failure(EXIT_FAILED, [way_out])
    except BaseException as error:
        failure = _failure_of(error, paths)
        if failure is None:
            write_down("failed", EXIT_FAILED, [f"{type(error).__name__}: {error}"])
            raise
    seconds = time.monotonic() - start
    if failure:
        write_down(failure.status, failure.exit_code, failure.sentences)
        return _say_failure(reporter.trouble, failure, paths, log, seconds)
    release = latest_release(paths.releases)
    if release == before and (candidates := waiting(paths)):
        name, is_new = candidates[-1], candidates != candidates_before
        write_down("candidate" if is_new else "unchanged", EXIT_OK, [f"Candidate {name} waits for a signature."])
        _say_candidate(reporter.progress, paths, name, seconds, is_new=is_new)
        return EXIT_OK
    if release is None:
        raise AssertionError("a run that went through has published or built a candidate")
    status = "unchanged" if release == before else "published"
    write_down(status, EXIT_OK, [f"{status.capitalize()}: {release}."])
    if release and year is None:  # a year alone says nothing of the other files
        remember(paths, inputs, release)
    if profile:
        reporter.progress.print(profile_table(record.steps))
    _say_success(reporter.progress, paths, log, seconds, before)
    return EXIT_OK


@answering
def show_plan(paths: Paths, console: Console) -> None:
    """`--dry-run`: what would be read, judged, built and computed. Exit: 0, 2 bad input, 4 busy."""
    from dagster_project.defs.plan import new_corrections, plan_refresh

    release = latest_release(paths.releases)
    try:
        landed = read_landed(paths)
        change = what_changed(paths, input_digest(paths, landed.digests), release)
        if change == Changed.nothing:
            say(console, f"Nothing would run: all is as in {release}.")
            return
        if change == Changed.presentation:
            say(console, f"Only pages and exports changed: the numbers of {release} would be shown anew.")
            return
        plan, (n_met, misses) = plan_refresh(paths, landed), new_corrections(paths)
    except (IngestError, WrongKindError) as error:
        raise Refusal(str(error)) from error
    parts = (("Read", plan.read), ("Judge", plan.judge), ("Build", plan.build), ("Compute", plan.compute))
    for what, names in parts:
        head = ", ".join(names[:MAX_PLANNED]) + (f" and {len(names) - MAX_PLANNED} more" * (len(names) > MAX_PLANNED))
        say(console, f"{what:<8}{len(names):>4}  {head or 'nothing'}")
    if n_met or misses:
        say(console, f"New rows of correction.csv: {n_met} meet their figure.", *(f"  {one}." for one in misses))
    for withdrawal in withdrawn_releases(paths.releases):
        if withdrawal["release"] > (release or ""):
            again = "the same tables are not published again: correct what was wrong first"
            say(console, f"{withdrawal['release']} was withdrawn ({withdrawal['why']}); {again}.")
    if plan.read:
        say(console, "What editing would do is known when files are read: `nqpf inspect FILE` lists it.")
    if seconds := sum(known_seconds(paths.reports).values()):
        say(console, f"At most about {seconds:.0f} s: as long as its steps took when they last ran.")
    say(console, "Then publish: a new release if a mart, a page or an export differs. Nothing was changed.")


def _say_candidate(console: Console, paths: Paths, name: str, seconds: float, *, is_new: bool) -> None:
    """Nothing that readers see has changed."""
    folder = paths.candidates / name
    console.print(
        f"[green]{'Candidate' if is_new else 'Nothing changed since candidate'}[/] {name}, {seconds:.0f} s: it waits"
        " for a signature, readers see what they saw.",
        highlight=False,
    )
    say(console, f"  review  nqpf release review {name}", f"  list    {folder / 'review.html'}")
    say(console, f"  report  {folder / 'docs' / 'index.html'}")


def _say_unchanged(console: Console, paths: Paths, release: str | None, seconds: float) -> None:
    console.print(f"[green]Nothing changed[/] since {release}, {seconds:.1f} s.", highlight=False)
    say(console, f"  query   {paths.published_file}")


def _run(
    paths: Paths,
    log: Path,
    record: RunLog,
    landed: Landed,
    *,
    year: int | None,
    changed: Changed,
    is_quiet: bool,
    as_candidate: bool,
) -> Failure | None:
    with quiet_output(log) as people:
        people.quiet = is_quiet
        say(people, f"Refresh of {paths.warehouse}; details in {log}")
        check_kind(paths, is_synthetic=landed.is_synthetic)
        if changed == Changed.numbers:
            DbtCommand.load()  # beside the imports, also where nothing is to be parsed
        with parsing(paths) as wait:  # it takes some seconds, beside all that comes before the graph
            # heavy, and not needed where nothing changed
            from dagster_project.definitions import build_defs
            from dagster_project.defs.execute import run_refresh, run_showing
            from dagster_project.defs.instance import prepare_instance

            years = _years(landed, year)
            if changed == Changed.presentation:
                say(people, "  Only pages and exports changed: the numbers stay, and are shown anew.")
            _prepare_build(paths, people)
            prepare_instance(paths)
            tidy(paths)
            wait()
        defs = build_defs(paths, landed, as_candidate=as_candidate)
        with step_progress(people, record) as listener:
            if changed == Changed.presentation:
                return run_showing(defs, listener)
            return run_refresh(defs, years, listener)


def _failure_of(error: BaseException, paths: Paths) -> Failure | None:
    """How a run ends by an error that a person can act on; None for a fault of the program."""
    if isinstance(error, KeyboardInterrupt):
        words = "Interrupted before the first step. The published file is unchanged; run it again."
        return Failure(EXIT_FAILED, [words], is_interrupted=True)
    bad_input = (IngestError, WrongKindError, ResourceError, ClusterError, SettingsError)
    if isinstance(error, bad_input) or type(error).__name__ == "SpecError":  # of the study, imported only when needed
        return Failure(EXIT_BAD_INPUT, [str(error)])
    if isinstance(error, WarehouseBusy):
        return Failure(EXIT_BUSY, [str(error)])
    if isinstance(error, (SurroundingsError, PublishedFileError)):
        return Failure(EXIT_FAILED, [str(error)])
    sentence = sentence_of(f"{type(error).__name__}: {error}", paths) if isinstance(error, Exception) else None
    return Failure(EXIT_FAILED, [sentence]) if sentence else None


def _prepare_build(paths: Paths, people: Console) -> None:
    """A build file with the tables that Python owns. A new one beside old releases remembers what they know."""
    warehouse, is_new = Warehouse(paths.build_file), not paths.build_file.exists()
    warehouse.prepare()
    vintages = recall(paths, warehouse)
    if is_new and vintages:
        sentence = f"{', '.join(vintages)} are known from the releases."
        say(people, f"  The build file is gone: all files are read again; {sentence}")


def _years(landed: Landed, year: int | None) -> list[str]:
    data_years = sorted({s.data_year for s in landed.yearly()})
    if year is None:
        return [str(y) for y in data_years]
    if year not in data_years:
        have = f"years with a sidecar: {', '.join(map(str, data_years)) or 'none'}"
        raise IngestError(f"No sidecar has data_year {year}", have, "Write the sidecar first")
    return [str(year)]


def _ensure_demo(paths: Paths, people: Console) -> None:
    """Write the demo's landing files once; again only when the generator or the roster changed."""
    sources = [
        *(paths.package / "demo").glob("*.*"),
        paths.code / "python_models" / "simulation.py",
        *(paths.seeds / f"{name}.csv" for name in DEMO_SEEDS),
    ]
    key = hash_of_files([s for s in sources if s.is_file()])
    marker = paths.landing / "generated.txt"
    if marker.exists() and marker.read_text(encoding="utf-8").strip() == key:
        return
    start = time.monotonic()
    if paths.landing.exists() and any(paths.landing.iterdir()):
        if not marker.exists():
            raise IngestError(
                "The folder for the demo's landing files holds files that the demo did not write",
                str(paths.landing),
                "Name another --warehouse, or give these files with --landing",
            )
        old = paths.landing.with_name(f".{paths.landing.name}.old")  # killed while deleting: the marker goes first
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(paths.landing.rename(old))
    paths.landing.mkdir(parents=True, exist_ok=True)
    marker.write_text("unfinished\n", encoding="utf-8")
    DbtCommand.load()  # beside the generator

    from dagster_project.demo.generate import generate_demo

    generate_demo(paths.landing)
    marker.write_text(key + "\n", encoding="utf-8")
    seconds = time.monotonic() - start
    people.print(f"  [green]done[/]  {'write SYNTHETIC landing files':<28}{seconds:6.1f} s", highlight=False)


def _say_failure(console: Console, failure: Failure, paths: Paths, log: Path, seconds: float) -> int:
    console.print(f"[red]Not refreshed[/] after {seconds:.0f} s.", highlight=False)
    say(console, *(f"  {sentence}" for sentence in failure.sentences))
    if failure.exit_code == EXIT_REFUSED:
        say(console, "  Each run will stop here until the seeds or the files are corrected, or the sidecar is removed.")
    if paths.published_file.exists():
        digest = sha256_of(paths.published_file)[:12]
        say(console, f"The published file is unchanged: {paths.published_file} (sha256 {digest}…).")
    say(console, f"Details: {log}")
    return failure.exit_code


def _say_success(console: Console, paths: Paths, log: Path, seconds: float, before: str | None) -> None:
    with open_read_only(paths.published_file) as con:
        release, vintage, synthetic = con.execute(SQL["run"]).fetchall()[0]
        scores = con.execute(SQL["scores"]).fetchall()
        lacking = con.execute(SQL["lacking"]).fetchall()
        failures = con.execute(SQL["failed"]).fetchall()
    for withdrawal in withdrawn_releases(paths.releases):
        if withdrawal["release"] > release:
            say(console, f"  {withdrawal['release']} stays withdrawn: {withdrawal['why']}")
    mark = " [bold yellow]SYNTHETIC demo: no figure says anything about China.[/]" if synthetic else ""
    what = "[green]Nothing changed[/] since" if release == before else "[green]Published[/]"
    console.print(f"{what} {release} (data vintage {vintage}), {seconds:.0f} s.{mark}", highlight=False)
    say(console, *(f"  {index}: {cities} cities with a score, {first}-{last}" for index, cities, first, last in scores))
    say(console, *(f"  {index} has no score of {year}: {indicators}" for index, year, indicators in lacking))
    for severity, message, is_left_out in failures:
        if severity == "error" or is_left_out:
            mark = "[bold red]Error[/] " if severity == "error" else ""
            console.print(f"  {mark}{escape(message)}", highlight=False, soft_wrap=True)
    for file in sorted((paths.reports / "to_review").glob("*.csv")):
        if file.stat().st_mtime > time.time() - seconds:
            say(console, f"  {ready_rows_sentence(file, len(read_ready_rows(file, paths.seeds)))}")
    say(
        console,
        f"  {sum(severity == 'warn' for severity, *_ in failures)} warnings in mart.mart_check_result",
        f"  query   {paths.published_file}",
        f"  report  {paths.releases / release / 'docs' / 'index.html'}",
        f"  log     {log}",
    )
