"""Least privilege, and no disk full of what nobody reads."""

import os
import re
from pathlib import Path

from house import PLANTED, paths_below

from dagster_project.cli import operations
from dagster_project.operations.preflight import KEEP_DBT_RUNS, KEEP_LOGS, tidy
from dagster_project.paths import PROJECT


def test_web_page_listens_on_loopback_only(small_warehouse, monkeypatch):
    said = []
    monkeypatch.setattr(operations, "_prepare", lambda _paths: None)
    monkeypatch.setenv("DAGSTER_HOME", str(small_warehouse.paths.dagster_home))
    monkeypatch.setattr(operations, "run_until_told_to_stop", lambda command: said.append(command) or 0)
    assert operations.start_ui(small_warehouse.paths, 3456) == 0
    (command,) = said
    assert command[command.index("-h") + 1] == "127.0.0.1"
    assert "0.0.0.0" not in command


def test_no_secret_of_the_environment_is_in_any_file_of_the_warehouse(small_warehouse):
    """The warehouse was refreshed with these in its environment: manifests, logs, records of Dagster, dbt's output."""
    secret = re.compile("|".join(map(re.escape, PLANTED.values())).encode())
    files = [path for path in small_warehouse.paths.warehouse.rglob("*") if path.is_file()]
    assert len(files) > 300
    assert [path for path in files if secret.search(path.read_bytes())] == []


def test_containers_and_services_that_are_shipped_do_not_open_a_port_to_the_world():
    """Every place in the project that names an address to listen on names loopback."""
    code = [*(PROJECT / "dagster_project").rglob("*.py"), PROJECT / "Makefile", *Path(PROJECT / ".ci").glob("*")]
    open_to_all = [path.name for path in code if re.search(r"\b0\.0\.0\.0\b", path.read_text(encoding="utf-8"))]
    assert open_to_all == []


# ---- a refresh a day does not fill the disk ----------------------------------------------------------------


def test_oldest_compiled_files_and_logs_go_and_nothing_else(tmp_path):
    paths = paths_below(tmp_path)
    runs = paths.dbt_target / "runs"
    others = [paths.build_file, paths.dbt_target / "manifest.json", paths.logs / "x.txt"]
    paths.logs.mkdir(parents=True)
    for number in range(KEEP_DBT_RUNS + 3):
        (runs / f"r{number}" / "compiled").mkdir(parents=True)
        os.utime(runs / f"r{number}", (number, number))
    for number in range(KEEP_LOGS + 2):
        log = paths.logs / f"refresh_{number:04}.log"
        log.write_text("x", encoding="utf-8")
        os.utime(log, (number, number))
    for file in others:
        file.write_text("x", encoding="utf-8")
    assert {path.name for path in tidy(paths)} == {"r0", "r1", "r2", "refresh_0000.log", "refresh_0001.log"}
    assert len(list(runs.iterdir())) == KEEP_DBT_RUNS
    assert all(file.exists() for file in others)
    assert tidy(paths) == []
