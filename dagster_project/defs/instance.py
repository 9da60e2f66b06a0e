"""Dagster's own folder of one warehouse: its settings, its history, what is switched on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

import dagster as dg

from dagster_project.defs.dead_runs import close_dead_runs
from dagster_project.paths import Paths


def prepare_instance(paths: Paths) -> None:
    """DAGSTER_HOME with the instance file that makes the write pool real."""
    paths.dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(paths.package / "defs" / "dagster.yaml", paths.dagster_home / "dagster.yaml")


def close_killed_runs() -> None:
    """Runs that were killed no longer block the queue. The caller holds the refresh lock."""
    with dg.DagsterInstance.get() as instance:
        close_dead_runs(instance)


def switched(defs: dg.Definitions) -> Mapping[str, bool]:
    """Schedule or sensor -> whether it runs: what the instance stores, else its default."""
    made = [*(defs.schedules or []), *(defs.sensors or [])]
    defaults = {one.name: one.default_status.value for one in made}
    with dg.DagsterInstance.get() as instance:
        stored = {state.instigator_name: state.status.value for state in instance.all_instigator_state()}
    return {name: stored.get(name, default) == "RUNNING" for name, default in defaults.items()}
