"""Commands that need Dagster or dbt: the UI, the schedule and the sensor, the page of the tables."""

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from dagster_project.cli.service import run_until_told_to_stop, say_when_open
from dagster_project.definitions import build_defs
from dagster_project.defs.dbt_docs import DbtDocsError, write_page
from dagster_project.defs.instance import MODULE, close_killed_runs, prepare_instance, switched
from dagster_project.errors import EXIT_FAILED, EXIT_OK, Refusal
from dagster_project.operations.preflight import recall
from dagster_project.paths import PROJECT, Paths, export_to_environment
from dagster_project.run.failures import answering, say
from dagster_project.run.lock import refresh_lock
from dagster_project.store import Warehouse, WarehouseBusy

SWITCHED = (("schedule", "yearly_refresh"), ("sensor", "landing_sensor"))
DAGSTER = str(Path(sys.executable).parent / "dagster")


def start_ui(paths: Paths, port: int) -> int:
    """Webserver and daemon in one process group, on loopback only. Runs that were killed no longer block the queue."""
    _prepare(paths)
    with suppress(WarehouseBusy), refresh_lock(paths):
        close_killed_runs()
    docs = paths.data_docs / "index.html"
    threading.Thread(target=say_when_open, args=(port, docs), daemon=True).start()
    command = [DAGSTER, "dev", "-m", MODULE, "-h", "127.0.0.1", "-p", str(port), "--log-level", "warning"]
    return run_until_told_to_stop(command)


def set_schedule(paths: Paths, console: Console, switch: str) -> int:
    """Store the wish in the instance, which the daemon of `nqpf ui` obeys; one line for each: on or off."""
    _prepare(paths)
    for kind, name in SWITCHED if switch != "status" else ():
        command = [DAGSTER, kind, "start" if switch == "on" else "stop", name, "-m", MODULE]
        process = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        if process.returncode != 0 and "already" not in (process.stdout + process.stderr):
            say(console, (process.stdout + process.stderr).strip()[-2000:])
            return process.returncode
    states = switched(build_defs(paths))
    say(console, *(f"{kind} {name}: {'on' if states[name] else 'off'}" for kind, name in SWITCHED))
    return EXIT_OK


def _prepare(paths: Paths) -> None:
    export_to_environment(paths)
    warehouse = Warehouse(paths.build_file)
    warehouse.prepare()
    recall(paths, warehouse)
    prepare_instance(paths)


@answering
def write_docs(paths: Paths, console: Console) -> None:
    """dbt's page of the tables as they are built now. Exit: 0 written, 1 dbt could not, 2 nothing is built, 4 busy."""
    if not paths.build_file.exists():
        raise Refusal(f"There is no build file in {paths.warehouse}. Run `nqpf refresh` first.")
    page = paths.reports / "dbt_docs.html"
    try:
        with refresh_lock(paths):
            write_page(paths, page)
    except DbtDocsError as error:
        raise Refusal(str(error), EXIT_FAILED) from error
    say(console, f"Open {page} in a browser.")
