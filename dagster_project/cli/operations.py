"""Commands that talk to Dagster's instance: the UI, the schedule and the sensor."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from dagster_project.cli.service import run_until_told_to_stop, say_when_open
from dagster_project.definitions import build_defs
from dagster_project.defs.instance import close_killed_runs, prepare_instance, switched
from dagster_project.defs.origin import MODULE
from dagster_project.operations.memory import recall
from dagster_project.paths import PROJECT, Paths, export_to_environment
from dagster_project.run.failures import EXIT_OK
from dagster_project.run.lock import refresh_lock
from dagster_project.store import Warehouse, WarehouseBusy

SWITCHED = (("schedule", "yearly_refresh"), ("sensor", "landing_sensor"))


def start_ui(paths: Paths, port: int) -> int:
    """Webserver and daemon in one process group, on loopback only. Runs that were killed no longer block the queue."""
    _prepare(paths)
    with suppress(WarehouseBusy), refresh_lock(paths):
        close_killed_runs()
    docs = paths.reports / "data_docs" / "index.html"
    threading.Thread(target=say_when_open, args=(port, docs), daemon=True).start()
    command = [_dagster(), "dev", "-m", MODULE, "-h", "127.0.0.1", "-p", str(port), "--log-level", "warning"]
    return run_until_told_to_stop(command)


def switch_schedule(paths: Paths, console: Console, *, on: bool) -> int:
    """Store the wish in the instance; the daemon of `nqpf ui` obeys it."""
    _prepare(paths)
    verb = "start" if on else "stop"
    for kind, name in SWITCHED:
        command = [_dagster(), kind, verb, name, "-m", MODULE]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        if done.returncode != 0 and "already" not in (done.stdout + done.stderr):
            console.print((done.stdout + done.stderr).strip()[-2000:], highlight=False, markup=False)
            return done.returncode
    return show_schedule(paths, console)


def show_schedule(paths: Paths, console: Console) -> int:
    """One line for each: on or off."""
    _prepare(paths)
    states = switched(build_defs(paths))
    for kind, name in SWITCHED:
        console.print(f"{kind} {name}: {'on' if states[name] else 'off'}", highlight=False)
    return EXIT_OK


def _prepare(paths: Paths) -> None:
    export_to_environment(paths)
    warehouse = Warehouse(paths.build_file)
    warehouse.prepare()
    recall(paths, warehouse)
    prepare_instance(paths)


def _dagster() -> str:
    return str(Path(sys.executable).parent / "dagster")
