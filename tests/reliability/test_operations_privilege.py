"""Least privilege: the web page listens on this machine only, and no secret of the environment is written down."""

import re
from pathlib import Path

from house import PLANTED

from dagster_project.cli import operations
from dagster_project.paths import PROJECT


def test_web_page_listens_on_loopback_only(small_warehouse, monkeypatch):
    said: list[list[str]] = []

    def run(command: list[str]) -> int:
        said.append(command)
        return 0

    monkeypatch.setattr(operations, "_prepare", lambda _paths: None)
    monkeypatch.setenv("DAGSTER_HOME", str(small_warehouse.paths.dagster_home))
    monkeypatch.setattr(operations, "run_until_told_to_stop", run)
    assert operations.start_ui(small_warehouse.paths, 3456) == 0
    (command,) = said
    assert command[command.index("-h") + 1] == "127.0.0.1"
    assert "0.0.0.0" not in command


def test_no_secret_of_the_environment_is_in_any_file_of_the_warehouse(small_warehouse):
    """The warehouse was refreshed with these in its environment: manifests, logs, records of Dagster, dbt's output."""
    secrets = [value.encode() for value in PLANTED.values()]
    files = [path for path in small_warehouse.paths.warehouse.rglob("*") if path.is_file()]
    assert len(files) > 300
    told = {
        path.relative_to(small_warehouse.paths.warehouse).as_posix(): secret
        for path in files
        for secret in secrets
        if secret in path.read_bytes()
    }
    assert told == {}


def test_containers_and_services_that_are_shipped_do_not_open_a_port_to_the_world():
    """Every place in the project that names an address to listen on names loopback."""
    code = [*(PROJECT / "dagster_project").rglob("*.py"), PROJECT / "Makefile", *Path(PROJECT / ".ci").glob("*")]
    open_to_all = [path.name for path in code if re.search(r"\b0\.0\.0\.0\b", path.read_text(encoding="utf-8"))]
    assert open_to_all == []
